import type { Pool } from '../domain/pool.ts';
import { ClosedReason } from '../domain/session.ts';
import type { Instant } from '../lib/clock.ts';
import type { SessionRow, TenantStorage } from '../storage/storage.ts';

const SECOND = 1_000;
/**
 * The end of a route that is over at once. It lies so far back that a replica whose clock is behind does not find
 * the route live for as long as the clocks differ.
 */
export const OVER_ON_EVERY_CLOCK: Instant = 0;

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
  // A completed order may still need a word ("you forgot your bag"); a cancelled one must fall silent at once.
  const grace = closed.reason === ClosedReason.Completed ? pool.graceSeconds * SECOND : 0;
  const liveUntil = Math.min(closed.at + grace, Math.max(session.expiresAt, closed.at));
  const lastEnd = (await storage.calls.lastEndOf(session.id)) ?? liveUntil;
  const restsFrom = Math.max(liveUntil, lastEnd);
  const routesUntil = grace === 0 ? OVER_ON_EVERY_CLOCK : liveUntil;
  await storage.routes.rest(session.id, routesUntil, restsFrom + pool.pairQuarantineSeconds * SECOND);
  const dedicated = session.participants.flatMap((p) =>
    p.exclusive && p.virtualNumber ? [p.virtualNumber] : [],
  );
  if (dedicated.length > 0) {
    await storage.virtualNumbers.rest(
      session.id,
      dedicated,
      restsFrom + pool.numberQuarantineSeconds * SECOND,
    );
  }
}
