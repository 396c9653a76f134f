import type { Pool } from '../domain/pool.ts';
import type { TenantKeys } from '../privacy/vault.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { NewSession } from '../storage/session-storage.ts';
import type { OutboxEvent } from '../storage/outbox-storage.ts';
import { type AllocatingParticipant, allocateNumbers } from './allocate-numbers.ts';
import type { App } from './app.ts';
import { raiseEvent, sessionEventData } from './raise-event.ts';

export type PendingSession = Omit<NewSession, 'participants'> & {
  readonly participants: readonly (AllocatingParticipant & { readonly userId: string | null })[];
};

/**
 * Gives a pending session its numbers and opens it, inside the caller's transaction. Returns what to announce,
 * or null when the pool has nothing to spare. Its time counts from the opening, not from when it began to wait.
 */
export async function openPending(
  app: App,
  storage: TenantStorage,
  keys: TenantKeys,
  pool: Pool,
  session: PendingSession,
): Promise<OutboxEvent | null> {
  const openedAt = app.clock.now();
  const expiresAt = openedAt + (session.expiresAt - session.createdAt);
  const numbers = await allocateNumbers(app, storage, keys, {
    tenant: keys.tenant,
    pool,
    session: { ...session, expiresAt },
  });
  if (!numbers) return null;
  const exclusive = pool.mode === 'dedicated';
  const allocations = session.participants.map((participant, i) => ({
    participantId: participant.id,
    virtualNumber: numbers[i] as (typeof numbers)[number],
    exclusive,
  }));
  await storage.sessions.open(session.id, allocations, openedAt, expiresAt);
  const opened = await storage.sessions.get(session.id);
  if (!opened) throw new Error('A session is gone within the transaction that opened it.');
  return raiseEvent(app, 'session.opened', session.reference, sessionEventData(opened));
}
