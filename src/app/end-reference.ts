import type { ClosedReason } from '../domain/session.ts';
import type { App, Cause } from './app.ts';
import { announceClosed, closeLocked } from './close-session.ts';

export interface EndReferenceParams {
  readonly tenant: string;
  readonly reference: string;
  readonly reason: Extract<ClosedReason, 'completed' | 'cancelled'>;
  readonly cause: Cause;
}

/**
 * The order behind a reference is over: its session closes, and none will open for it again, whatever arrives
 * later. That tombstone is written even when nothing was known of the order. The first end counts.
 */
export async function endReference(app: App, params: EndReferenceParams): Promise<'applied' | 'duplicate'> {
  const { tenant, reference, reason, cause } = params;
  const result = await app.storage.transaction(tenant, async (storage) => {
    if (!(await storage.inboxInsert(cause.source, cause.eventId, app.clock.now()))) return 'duplicate';
    const known = await storage.references.lock(reference);
    if (known.endedReason !== null) return { closedPool: null };
    await storage.references.end(reference, reason, app.clock.now());
    const live = await storage.sessions.live(reference);
    if (!live) return { closedPool: null };
    await storage.outboxAppend([await closeLocked(app, storage, live, reason)]);
    return { closedPool: live.pool };
  });
  if (result === 'duplicate') return result;
  if (result.closedPool !== null) announceClosed(app, result.closedPool, reason);
  return 'applied';
}
