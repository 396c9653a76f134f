import { ClosedReason } from '../domain/session.ts';
import { VirtualNumberState } from '../domain/virtual-number.ts';
import type { App } from './app.ts';
import { openPending } from './open-pending.ts';
import { raiseEvent, sessionEventData } from './raise-event.ts';
import { restSession } from './rest-session.ts';
import { unsealPending } from './serve-pending.ts';

/**
 * Gives an open session other numbers, because one of its own is withdrawn. Whatever it had rests, and it opens
 * again with what the pool has to spare: `session.opened` tells the new numbers. When nothing is to spare it waits
 * as `pending`, first in line, and that is announced as well. Opened again at once, it ends when it would have ended.
 */
export async function reassignSession(
  app: App,
  tenant: string,
  session: { readonly id: string; readonly reference: string },
): Promise<'opened' | 'pending' | 'unchanged'> {
  const keys = await app.vault.keysOf(tenant);
  const outcome = await app.storage.transaction(tenant, async (storage) => {
    await storage.references.lock(session.reference);
    const before = await storage.sessions.get(session.id);
    const pool = before && (await storage.pools.get(before.pool));
    if (!pool || before.state !== 'open' || !(await hasWithdrawn(before.participants, storage))) {
      return 'unchanged' as const;
    }
    const now = app.clock.now();
    await restSession(storage, pool, before, { at: now, reason: ClosedReason.Reassigned });
    await storage.sessions.setPending(before.id, now);
    const waiting = unsealPending(keys, { ...before, state: 'pending', openedAt: null });
    // Counted from now, its time ends when it would have ended.
    const opened = waiting && (await openPending(app, storage, keys, pool, { ...waiting, createdAt: now }));
    if (opened) {
      await storage.blocks.stopInSession(before.id);
      await storage.outboxAppend([opened]);
      return 'opened' as const;
    }
    const after = await storage.sessions.get(before.id);
    const { id: sessionId, reference } = before;
    await storage.outboxAppend([
      raiseEvent(app, 'session.pending', reference, sessionEventData(after ?? before)),
      raiseEvent(app, 'pool.exhausted', reference, { pool: pool.name, sessionId, reference }),
    ]);
    return 'pending' as const;
  });
  if (outcome !== 'unchanged') {
    app.wake.outbox.raise();
    app.wake.stock.raise();
  }
  return outcome;
}

type Storage = Parameters<Parameters<App['storage']['transaction']>[1]>[0];

async function hasWithdrawn(
  participants: readonly { readonly virtualNumber: Parameters<Storage['virtualNumbers']['get']>[0] | null }[],
  storage: Storage,
): Promise<boolean> {
  for (const { virtualNumber } of participants) {
    const row = virtualNumber && (await storage.virtualNumbers.get(virtualNumber));
    if (row && row.withdrawnAt !== null && row.state === VirtualNumberState.Suspended) return true;
  }
  return false;
}
