import type { Instant } from '../lib/clock.ts';
import type { PurchaseApprovalStorage } from './purchase-approval-storage.ts';

/** `''` is the tenant, everything else is a provider account by that name. */
export type SpendScope = string;
export const TENANT_SCOPE: SpendScope = '';

/** What may be connected in one hour of the clock. */
export interface CallCap {
  readonly calls: number;
  readonly minutes: number;
}

export interface SpendShare {
  /** calls that the asking replica may connect without asking again */
  readonly granted: number;
  /** by what the cap is reached, if it is: nothing beyond shares that were given out is connected */
  readonly spentBy: 'calls' | 'minutes' | null;
  /** whether it is reached and nobody has noted that */
  readonly isFirst: boolean;
}

export interface SpendRow {
  readonly tenant: string;
  readonly scope: SpendScope;
  readonly hour: Instant;
  readonly calls: number;
  readonly minutes: number;
  readonly lifted: number;
  readonly openedAt: Instant | null;
  readonly closedAt: Instant | null;
}

export interface SpendStorage extends PurchaseApprovalStorage {
  /**
   * Takes up to `wanted` calls of what is left of the hour, and at most a twentieth of it, so that replicas leave
   * something to each other; the last ones are given out one by one. The sum never exceeds the cap.
   *
   * @param notes whether it is noted when the cap is reached, for which the caller then owes an announcement; default true
   */
  takeCalls(
    scope: SpendScope,
    hour: Instant,
    wanted: number,
    cap: CallCap,
    now: Instant,
    notes?: boolean,
  ): Promise<SpendShare>;
  /** Allows the cap once more for this hour. Returns false when nothing was connected in it. */
  lift(scope: SpendScope, hour: Instant, now: Instant): Promise<boolean>;
  /** Newest hour first. */
  list(since: Instant): Promise<readonly SpendRow[]>;
  /** Counts a text of the session, or returns false: it has sent what it may. */
  takeMessage(
    sessionId: string,
    now: Instant,
    limits: { readonly perMinute: number; readonly perDay: number },
  ): Promise<boolean>;
}

export interface SpendSystemStorage {
  /** Sums up what was talked since `hour` and notes it, by tenant and by account. */
  measureTalk(hour: Instant, now: Instant): Promise<void>;
  /** Caps that are reached, with those of hours that are over: these are closed by this. */
  open(hour: Instant, now: Instant): Promise<readonly SpendRow[]>;
  forgetBefore(hour: Instant): Promise<void>;
}
