import type { Clock } from '../../../src/lib/clock.ts';
import type { Random } from '../../../src/lib/random.ts';

const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;

/** Waits before retry `attempt` (0 is the first): doubled each time, half of it drawn, cut short by `signal`. */
export function retryPause(
  attempt: number,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  signal: AbortSignal,
): Promise<void> {
  const full = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 20));
  const delayMs = Math.round(full / 2 + (random.next() * full) / 2);
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = clock.after(delayMs, done);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
