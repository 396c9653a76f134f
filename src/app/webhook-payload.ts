import type { OutboxRow } from '../storage/storage.ts';
import type { NewDelivery } from '../storage/webhook-storage.ts';

/** Ids and reasons. No number, neither real nor virtual, and no person: whoever may know more asks the API. */
const THIN: ReadonlySet<string> = new Set([
  'sessionId',
  'callId',
  'messageId',
  'reference',
  'assignment',
  'pool',
  'reason',
  'termination',
  'durationSeconds',
]);

/** What a webhook is told of an event. */
export function toDelivery(row: OutboxRow): NewDelivery {
  const { type, data } = row.event;
  return {
    tenant: row.tenant,
    eventId: row.eventId,
    type,
    occurredAt: row.occurredAt,
    // Only where a webhook listens, which is asked of every event.
    get payload() {
      return Object.fromEntries(Object.entries(data).filter(([name]) => THIN.has(name)));
    },
  };
}

/** The body as it is signed and sent. */
export function webhookBody(delivery: Pick<NewDelivery, 'type' | 'payload' | 'occurredAt'>): string {
  const timestamp = new Date(delivery.occurredAt).toISOString();
  return JSON.stringify({ type: delivery.type, timestamp, data: delivery.payload });
}
