import type { MaskingEvent } from '../domain/events.ts';
import type { Instant } from '../lib/clock.ts';

export interface OutboxEvent {
  readonly eventId: string;
  readonly event: MaskingEvent;
  readonly occurredAt: Instant;
}
