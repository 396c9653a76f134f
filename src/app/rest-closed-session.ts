import type { TenantStorage } from '../storage/storage.ts';
import type { App } from './app.ts';
import { restSession } from './rest-session.ts';

/**
 * A call began or ended on a session that is closed, within its grace or because it outlived it: its numbers
 * and pairs rest from the end of that call.
 */
export async function restClosedSession(app: App, tenant: string, sessionId: string): Promise<void> {
  await app.storage.transaction(tenant, (storage) => restIfClosed(storage, sessionId));
}

/** The same inside the caller's transaction. Does nothing while the session is open. */
export async function restIfClosed(storage: TenantStorage, sessionId: string): Promise<void> {
  const session = await storage.sessions.get(sessionId);
  if (session?.state !== 'closed' || session.closedAt === null || session.closedReason === null) return;
  const pool = await storage.pools.get(session.pool);
  if (pool) await restSession(storage, pool, session, { at: session.closedAt, reason: session.closedReason });
}
