import type { TenantKeys } from '../privacy/vault.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { SessionRow } from '../storage/session-storage.ts';
import type { App } from './app.ts';
import { LIMITS } from './limits.ts';
import { openPending, type PendingSession } from './open-pending.ts';

/**
 * Tries the sessions that wait for a number, the oldest first. One that still finds nothing (all that is left
 * has met one of its people lately) does not hold up those behind it. Returns how many opened.
 */
export async function servePending(app: App, tenant: string, poolName: string): Promise<number> {
  const keys = await app.vault.keysOf(tenant);
  const waiting = await app.storage.run(tenant, (s) => s.sessions.pending(poolName, LIMITS.pendingBatch));
  let opened = 0;
  for (const { id, reference } of waiting) {
    const served = await app.storage.transaction(tenant, async (storage) => {
      await storage.references.lock(reference);
      const session = await storage.sessions.get(id);
      const pool = await storage.pools.get(poolName);
      if (!pool || session?.state !== 'pending') return false;
      const resolved = unsealPending(keys, session);
      // Somebody was blocked while it waited: it waits on until it expires.
      if (!resolved || (await isBlocked(storage, keys, resolved))) return false;
      const event = await openPending(app, storage, keys, pool, resolved);
      if (!event) return false;
      await storage.blocks.stopInSession(id);
      await storage.outboxAppend([event]);
      return true;
    });
    if (served) opened++;
  }
  if (opened > 0) {
    app.metrics.sessionsOpened.inc({ pool: poolName }, opened);
    app.wake.outbox.raise();
  }
  return opened;
}

async function isBlocked(
  storage: TenantStorage,
  keys: TenantKeys,
  { participants }: PendingSession,
): Promise<boolean> {
  const people = participants.map(({ realNumber, userId }) => ({
    numberDigest: keys.numberDigest(realNumber),
    userId,
  }));
  return (await storage.blocks.blockedAmong(people)).size > 0;
}

/** Null when a number was erased meanwhile: such a session can only expire. */
export function unsealPending(keys: TenantKeys, session: SessionRow): PendingSession | null {
  const participants: PendingSession['participants'][number][] = [];
  for (const { id, role, userId, sealedNumber, participantKey } of session.participants) {
    if (!sealedNumber || !participantKey) return null;
    const realNumber = keys.openNumber(sealedNumber, { table: 'participant', row: id }, participantKey);
    // Made anew: the index key may have been exchanged while it waited.
    const [callerKey] = keys.callerKeys(realNumber);
    const { numberClass } = realNumber;
    participants.push({ id, role, userId, realNumber, numberClass, participantKey, ...callerKey });
  }
  return { ...session, participants };
}
