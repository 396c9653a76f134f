import { MasklineError } from '../domain/errors.ts';
import type { ClosedReason } from '../domain/session.ts';
import { invariant } from '../lib/assert.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { SessionRow } from '../storage/session-storage.ts';
import type { OutboxEvent } from '../storage/outbox-storage.ts';
import type { App } from './app.ts';
import { raiseEvent, sessionEventData } from './raise-event.ts';
import { restSession } from './rest-session.ts';
import { type SessionView, toSessionView } from './session-view.ts';

export interface CloseSessionParams {
  readonly tenant: string;
  readonly sessionId: string;
  readonly reason: ClosedReason;
}

/**
 * Ends one session: from the commit on nobody is connected by it, except for the grace of a completed one.
 * Closing a closed session changes nothing. Returns null when there is no such session.
 */
export async function closeSession(app: App, params: CloseSessionParams): Promise<SessionView | null> {
  const keys = await app.vault.keysOf(params.tenant);
  const closed = await app.storage.transaction(params.tenant, async (storage) => {
    const found = await storage.sessions.get(params.sessionId);
    if (!found) return null;
    // Locked after it was found, because the order is not known before; what it was is read again.
    await storage.references.lock(found.reference);
    const session = await storage.sessions.get(params.sessionId);
    invariant(session, 'sessions are not deleted while their order is locked');
    if (session.state === 'closed') return { session, event: null };
    const event = await closeLocked(app, storage, session, params.reason);
    await storage.outboxAppend([event]);
    return { session: await storage.sessions.get(session.id), event };
  });
  if (!closed?.session) return null;
  if (closed.event) announceClosed(app, closed.session.pool, params.reason);
  return toSessionView(keys, closed.session);
}

/** Closes a session whose order is locked, inside the caller's transaction, and returns what to announce. */
export async function closeLocked(
  app: App,
  storage: TenantStorage,
  session: SessionRow,
  reason: ClosedReason,
): Promise<OutboxEvent> {
  const pool = await storage.pools.get(session.pool);
  if (!pool) throw new MasklineError('MASK_UNKNOWN_POOL', `There is no pool "${session.pool}".`);
  const at = app.clock.now();
  await storage.sessions.close(session.id, at, reason);
  if (session.state === 'open') await restSession(storage, pool, session, { at, reason });
  return raiseEvent(app, 'session.closed', session.reference, { ...sessionEventData(session), reason });
}

/** After the commit: counts them, and lets the loops know. */
export function announceClosed(app: App, pool: string, reason: ClosedReason, count = 1): void {
  app.metrics.sessionsClosed.inc({ pool, reason }, count);
  app.wake.outbox.raise();
  // Without quarantine their numbers can serve whoever waits at once.
  app.wake.pending.raise();
}
