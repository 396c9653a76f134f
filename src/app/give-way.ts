import { type Clock, type Instant, pause } from '../lib/clock.ts';

/** A page of background work takes some 50 ms. One that takes longer than this has waited for the work of others. */
const BUSY_MS = 100;
const PAUSE_MAXIMUM_MS = 2_000;

/**
 * After a piece of work that nobody waits for: when it took long, the database or this machine is busy with something else,
 * calls perhaps, and is left alone for as long again.
 */
export async function giveWay(clock: Clock, since: Instant): Promise<void> {
  const tookMs = clock.now() - since;
  if (tookMs > BUSY_MS) await pause(clock, Math.min(tookMs, PAUSE_MAXIMUM_MS));
}
