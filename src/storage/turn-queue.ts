import type { Clock } from '../lib/clock.ts';
import { StorageError } from './storage-error.ts';

export interface TurnQueueOptions {
  readonly clock: Clock;
  /** how many turns there are at a time */
  readonly turns: number;
  /** lets the event loop do other things after this many turns; for a database that never leaves the process */
  readonly pauseEvery?: number;
  /** how many may wait; one more is refused at once */
  readonly maxWaiting: number;
  /** how long one waits at most, in milliseconds */
  readonly timeoutMs: number;
}

/** A limited number at a time, in the order of asking, with a limit on how many wait and for how long. */
export class TurnQueue {
  readonly #options: TurnQueueOptions;
  /** each gives the turn to one waiter; a Set keeps the order of asking */
  readonly #waiting = new Set<() => void>();
  #taken = 0;
  #closed = false;
  #grants = 0;

  constructor(options: TurnQueueOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** @throws StorageError `unavailable` when the queue is full or closed, or the wait too long */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#acquire(this.#options.maxWaiting);
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  /** Refuses whoever comes from now on; resolves when those who came before are done, or have had their time. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const lastTurns = Array.from({ length: this.#options.turns }, () =>
      this.#acquire(Number.POSITIVE_INFINITY),
    );
    this.#closed = true;
    await Promise.allSettled(lastTurns);
  }

  #acquire(maxWaiting: number): Promise<void> {
    if (this.#closed) return Promise.reject(unavailable('the database is closed'));
    if (this.#taken < this.#options.turns && this.#waiting.size === 0) {
      this.#taken++;
      return this.#pauseSometimes();
    }
    const { clock, timeoutMs } = this.#options;
    if (this.#waiting.size >= maxWaiting) {
      return Promise.reject(unavailable(`${maxWaiting} others already wait for the database`));
    }
    return new Promise((resolve, reject) => {
      const timer = clock.after(timeoutMs, () => {
        this.#waiting.delete(grant);
        reject(unavailable(`the database was busy for ${timeoutMs} ms`));
      });
      const grant = (): void => {
        timer.cancel();
        resolve(this.#pauseSometimes());
      };
      this.#waiting.add(grant);
    });
  }

  #release(): void {
    const [grantNext] = this.#waiting;
    if (!grantNext) {
      this.#taken--;
      return;
    }
    this.#waiting.delete(grantNext);
    grantNext();
  }

  #pauseSometimes(): Promise<void> {
    const { pauseEvery } = this.#options;
    this.#grants++;
    if (pauseEvery === undefined || this.#grants % pauseEvery !== 0) return Promise.resolve();
    return new Promise((resolve) => setImmediate(resolve));
  }
}

function unavailable(reason: string): StorageError {
  return new StorageError('unavailable', `No turn at the database: ${reason}.`);
}
