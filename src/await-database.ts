import { type BackoffOptions, backoffDelayMs } from './lib/backoff.ts';
import { type Clock, pause } from './lib/clock.ts';
import type { Random } from './lib/random.ts';
import type { Log } from './observe/log.ts';
import { StorageError } from './storage/storage-error.ts';

const BACKOFF: BackoffOptions = { firstDelayMs: 250, maxDelayMs: 5_000 };

/**
 * Opens the database as soon as it can be reached: a service is often started together with its database, or while
 * that one fails over. Each attempt that fails says why no host would do, and how long it will go on.
 * @param options.limitMs from the first attempt to the last; 0 tries once
 * @throws StorageError of the last attempt
 */
export async function awaitDatabase<T>(
  open: () => Promise<T>,
  options: {
    readonly limitMs: number;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Pick<Log, 'warn'>;
  },
): Promise<T> {
  const { limitMs, clock, random, log } = options;
  const until = clock.now() + limitMs;
  for (let attempt = 0; ; attempt++) {
    try {
      return await open();
    } catch (error) {
      const leftMs = until - clock.now();
      if (!(error instanceof StorageError) || error.code !== 'unavailable' || leftMs <= 0) throw error;
      const delayMs = Math.min(backoffDelayMs(attempt, BACKOFF, random), leftMs);
      log.warn(
        { reason: error.message, delayMs, leftMs },
        'Waiting for the database, before anything else starts.',
      );
      await pause(clock, delayMs);
    }
  }
}
