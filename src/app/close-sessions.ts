import { MasklineError } from '../domain/errors.ts';
import type { Pool } from '../domain/pool.ts';
import type { ClosedReason } from '../domain/session.ts';
import type { EndingSession } from '../storage/ending-storage.ts';
import type { OutboxEvent } from '../storage/outbox-storage.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { App } from './app.ts';
import { raiseEvent, sessionEventData } from './raise-event.ts';
import { type RestTimes, restTimes } from './rest-session.ts';

/** `closeLocked` for many sessions, whose orders are locked, in few statements. Returns what to announce. */
export async function closeSessions(
  app: App,
  storage: TenantStorage,
  sessions: readonly EndingSession[],
  reason: ClosedReason,
): Promise<OutboxEvent[]> {
  if (sessions.length === 0) return [];
  const pools = await poolsOf(storage, sessions);
  const at = app.clock.now();
  const { endings } = storage;
  await endings.closeSessions(
    sessions.map(({ id }) => id),
    at,
    reason,
  );
  const open = sessions.filter(({ state }) => state === 'open');
  const lastEnds = open.length === 0 ? null : await endings.lastCallEnds(open.map(({ id }) => id));
  const groups = new Map<string, { readonly times: RestTimes; readonly sessions: EndingSession[] }>();
  for (const session of open) {
    const pool = pools.get(session.pool) as Pool;
    const times = restTimes(pool, session, { at, reason }, lastEnds?.get(session.id) ?? null);
    // All of one pool and one moment rest alike, unless a call goes on: one group, as a rule.
    const key = JSON.stringify(times);
    const group = groups.get(key) ?? { times, sessions: [] };
    groups.set(key, group);
    group.sessions.push(session);
  }
  for (const { times, sessions: alike } of groups.values()) await rest(storage, alike, times);
  return sessions.map((session) =>
    raiseEvent(app, 'session.closed', session.reference, { ...sessionEventData(session), reason }),
  );
}

async function rest(
  { endings }: TenantStorage,
  sessions: readonly EndingSession[],
  { routesUntil, pairsUntil, numbersUntil }: RestTimes,
): Promise<void> {
  const ids = sessions.map(({ id }) => id);
  await endings.restRoutes(ids, routesUntil, pairsUntil);
  const dedicated = sessions.flatMap(({ participants }) =>
    participants.flatMap((p) => (p.exclusive && p.virtualNumber ? [p.virtualNumber] : [])),
  );
  if (dedicated.length > 0) await endings.restNumbers(dedicated, ids, numbersUntil);
}

async function poolsOf(
  storage: TenantStorage,
  sessions: readonly EndingSession[],
): Promise<ReadonlyMap<string, Pool>> {
  const pools = new Map<string, Pool>();
  for (const name of new Set(sessions.map(({ pool }) => pool))) {
    const pool = await storage.pools.get(name);
    if (!pool) throw new MasklineError('MASK_UNKNOWN_POOL', `There is no pool "${name}".`);
    pools.set(name, pool);
  }
  return pools;
}

/** How many of each pool, for whoever counts. */
export function countByPool(sessions: readonly EndingSession[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { pool } of sessions) counts.set(pool, (counts.get(pool) ?? 0) + 1);
  return counts;
}
