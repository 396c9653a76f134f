import { ClosedReason } from '../domain/session.ts';
import type { App } from './app.ts';
import { closeSession } from './close-session.ts';
import { LIMITS } from './limits.ts';

/**
 * Closes sessions whose end never arrived. Their routes have refused since the very instant, whether this runs
 * or not; this lets the numbers rest and then serve others. Returns how many.
 */
export async function expireSessions(app: App): Promise<number> {
  const expired = await app.storage.system.expiredSessions(app.clock.now(), LIMITS.expiryBatch);
  for (const { tenant, id, reference } of expired) {
    await closeSession(app, { tenant, sessionId: id, reason: ClosedReason.Expired });
    app.log.info({ session: id, reference }, 'A session expired: the end of its order never arrived.');
  }
  return expired.length;
}
