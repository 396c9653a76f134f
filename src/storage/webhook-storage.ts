import type { MaskingEventType } from '../domain/events.ts';
import type { Instant } from '../lib/clock.ts';
import type { Sealed } from '../privacy/vault.ts';

export interface WebhookRow {
  readonly tenant: string;
  readonly id: string;
  readonly url: string;
  readonly eventTypes: readonly MaskingEventType[];
  readonly state: 'enabled' | 'disabled';
  readonly disabledReason: string | null;
  readonly sealedSecret: Sealed;
  readonly createdAt: Instant;
}

export interface WebhookDelivery {
  readonly id: number;
  readonly webhookId: string;
  readonly eventId: string;
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly occurredAt: Instant;
  readonly state: 'waiting' | 'delivered' | 'failed';
  readonly attempts: number;
  readonly nextAt: Instant | null;
  readonly settledAt: Instant | null;
  /** the HTTP status of the last attempt; null when there was none */
  readonly lastStatus: number | null;
  readonly lastError: string | null;
}

/** How an attempt went. */
export interface DeliveryOutcome {
  readonly state: WebhookDelivery['state'];
  readonly attempts: number;
  readonly nextAt: Instant | null;
  readonly settledAt: Instant | null;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
}

export interface WebhookStorage {
  insert(webhook: WebhookRow): Promise<void>;
  get(id: string): Promise<WebhookRow | null>;
  list(page: { readonly limit: number; readonly after: string | null }): Promise<readonly WebhookRow[]>;
  update(webhook: WebhookRow): Promise<void>;
  /** Newest first; `after` is the id of the last one of the page before. */
  deliveries(
    webhookId: string,
    page: { readonly limit: number; readonly after: string | null },
  ): Promise<readonly WebhookDelivery[]>;
  settle(id: number, outcome: DeliveryOutcome): Promise<void>;
  /** Makes settled deliveries wait again: one, or those that failed since then. Returns how many. */
  replay(
    webhookId: string,
    which: { readonly id: number | null; readonly since: Instant },
    at: Instant,
  ): Promise<number>;
}

export interface NewDelivery {
  readonly tenant: string;
  readonly eventId: string;
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly occurredAt: Instant;
}

export interface DueDelivery extends WebhookDelivery {
  readonly tenant: string;
  readonly url: string;
  readonly sealedSecret: Sealed;
}

export interface WebhookSystemStorage {
  /** A delivery for each enabled subscription to the event's type; an event that is known already adds none. */
  fanOut(events: readonly NewDelivery[], at: Instant): Promise<number>;
  /** Takes deliveries that are due, so that no other replica tries them before `until`. */
  take(now: Instant, until: Instant, limit: number): Promise<readonly DueDelivery[]>;
  /** Deletes deliveries of events from before then; returns how many. */
  trim(before: Instant, limit: number): Promise<number>;
}
