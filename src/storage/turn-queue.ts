import type { Clock } from '../lib/clock.ts';
import type { Patience } from './patience.ts';
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

/** So many turns in a row go to whoever is prompt while somebody patient waits: calls first, and orders not last. */
const PROMPT_IN_A_ROW = 4;

/**
 * A limited number at a time, with a limit on how many wait and for how long. Who is prompt goes before who is patient,
 * mostly; among themselves they go in the order of asking.
 */
export class TurnQueue {
  readonly #options: TurnQueueOptions;
  /** each gives the turn to one waiter; a Set keeps the order of asking */
  readonly #prompt = new Set<() => void>();
  readonly #patient = new Set<() => void>();
  /** those that wait until everybody else is done, so that the queue can close */
  readonly #last = new Set<() => void>();
  /** how often one who is patient was passed over in a row */
  #passedOver = 0;
  #taken = 0;
  #closed = false;
  #grants = 0;

  constructor(options: TurnQueueOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#prompt.size + this.#patient.size;
  }

  /** @throws StorageError `unavailable` when the queue is full or closed, or the wait too long */
  async run<T>(work: () => Promise<T>, patience: Patience = 'prompt'): Promise<T> {
    await this.#acquire(this.#options.maxWaiting, patience === 'patient' ? this.#patient : this.#prompt);
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
      this.#acquire(Number.POSITIVE_INFINITY, this.#last),
    );
    this.#closed = true;
    await Promise.allSettled(lastTurns);
  }

  #acquire(maxWaiting: number, queue: Set<() => void>): Promise<void> {
    if (this.#closed) return Promise.reject(unavailable('the database is closed'));
    if (this.#taken < this.#options.turns && this.waiting + this.#last.size === 0) {
      this.#taken++;
      return this.#pauseSometimes();
    }
    const { clock, timeoutMs } = this.#options;
    if (this.waiting >= maxWaiting) {
      return Promise.reject(unavailable(`${maxWaiting} others already wait for the database`));
    }
    return new Promise((resolve, reject) => {
      const timer = clock.after(timeoutMs, () => {
        queue.delete(grant);
        reject(unavailable(`the database was busy for ${timeoutMs} ms`));
      });
      const grant = (): void => {
        timer.cancel();
        resolve(this.#pauseSometimes());
      };
      queue.add(grant);
    });
  }

  #release(): void {
    const queue = this.#nextQueue();
    const [grantNext] = queue;
    if (!grantNext) {
      this.#taken--;
      return;
    }
    queue.delete(grantNext);
    grantNext();
  }

  #nextQueue(): Set<() => void> {
    const [prompt, patient] = [this.#prompt.size > 0, this.#patient.size > 0];
    const isItsTurn = patient && (!prompt || this.#passedOver >= PROMPT_IN_A_ROW);
    this.#passedOver = patient && !isItsTurn ? this.#passedOver + 1 : 0;
    if (isItsTurn) return this.#patient;
    return prompt ? this.#prompt : this.#last;
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
