import type { Pool } from '../domain/pool.ts';
import { ClosedReason } from '../domain/session.ts';
import type { Instant } from '../lib/clock.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { SessionRow } from '../storage/session-storage.ts';

const SECOND = 1_000;
/**
 * The end of a route that is over at once. It lies so far back that a replica whose clock is behind does not find
 * the route live for as long as the clocks differ.
 */
export const OVER_ON_EVERY_CLOCK: Instant = 0;

export interface RestTimes {
  /** until then its routes connect */
  readonly routesUntil: Instant;
  /** until then nobody of it meets the number that they dialled again */
  readonly pairsUntil: Instant;
  /** until then its virtual numbers serve nobody else */
  readonly numbersUntil: Instant;
}

/** @param lastEnd of its last call, if there was one */
export function restTimes(
  pool: Pool,
  session: Pick<SessionRow, 'expiresAt'>,
  closed: { readonly at: Instant; readonly reason: ClosedReason },
  lastEnd: Instant | null,
): RestTimes {
  // A completed order may still need a word ("you forgot your bag"); a cancelled one must fall silent at once.
  const grace = closed.reason === ClosedReason.Completed ? pool.graceSeconds * SECOND : 0;
  const liveUntil = Math.min(closed.at + grace, Math.max(session.expiresAt, closed.at));
  const restsFrom = Math.max(liveUntil, lastEnd ?? liveUntil);
  return {
    routesUntil: grace === 0 ? OVER_ON_EVERY_CLOCK : liveUntil,
    pairsUntil: restsFrom + pool.pairQuarantineSeconds * SECOND,
    numbersUntil: restsFrom + pool.numberQuarantineSeconds * SECOND,
  };
}

/**
 * Sets the two clocks of a closed session: how long its virtual numbers rest, and how long each person and the
 * number that they dialled stay apart. Both count from the later of the end of routing and the end of the last
 * call, so it is called again when a call outlives its session.
 */
export async function restSession(
  storage: TenantStorage,
  pool: Pool,
  session: Pick<SessionRow, 'id' | 'expiresAt' | 'participants'>,
  closed: { readonly at: number; readonly reason: ClosedReason },
): Promise<void> {
  const times = restTimes(pool, session, closed, await storage.calls.lastEndOf(session.id));
  await storage.routes.rest(session.id, times.routesUntil, times.pairsUntil);
  const dedicated = session.participants.flatMap((p) =>
    p.exclusive && p.virtualNumber ? [p.virtualNumber] : [],
  );
  if (dedicated.length > 0) {
    await storage.virtualNumbers.rest(session.id, dedicated, times.numbersUntil);
  }
}
