import type { Random } from './random.ts';

export interface BackoffOptions {
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

/**
 * The delay before retry `attempt` (0 is the first retry): doubled each time up to the maximum, then drawn
 * between half and all of it, so that replicas which failed together do not come back together.
 */
export function backoffDelayMs(attempt: number, options: BackoffOptions, random: Random): number {
  const full = Math.min(options.maxDelayMs, options.firstDelayMs * 2 ** Math.min(attempt, 30));
  return Math.round(full / 2 + (random.next() * full) / 2);
}
