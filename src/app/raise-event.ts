import type { MaskingEvent, MaskingEventData, MaskingEventType } from '../domain/events.ts';
import { createId } from '../lib/id.ts';
import type { EndingSession } from '../storage/ending-storage.ts';
import type { OutboxEvent } from '../storage/outbox-storage.ts';
import type { App } from './app.ts';

/** Gives an event its id and time. It is announced once the transaction that appends it has committed. */
export function raiseEvent<T extends MaskingEventType>(
  app: Pick<App, 'clock' | 'random'>,
  type: T,
  key: string,
  data: MaskingEventData[T],
): OutboxEvent {
  // The three arguments belong together by the type of `data`; a union cannot be built from a generic part.
  const event = { type, key, data } as unknown as MaskingEvent;
  return { eventId: createId('evt', app.clock, app.random), event, occurredAt: app.clock.now() };
}

export function sessionEventData(session: EndingSession): MaskingEventData['session.opened'] {
  return {
    sessionId: session.id,
    reference: session.reference,
    assignment: session.assignment,
    pool: session.pool,
    expiresAt: new Date(session.expiresAt).toISOString(),
    participants: session.participants.map((p) => ({
      role: p.role,
      userId: p.userId,
      virtualNumber: p.virtualNumber,
    })),
  };
}
