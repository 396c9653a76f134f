import type { Clock } from '../lib/clock.ts';

/** Resolves with what `work` gives, or with `late()` when it took longer than `ms`. `work` goes on meanwhile. */
export function withDeadline<T>(clock: Clock, ms: number, work: Promise<T>, late: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => resolve(late()));
    work.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}
