import type { Clock, Instant } from '../../lib/clock.ts';

export interface ShedLimits {
  /** fewer than so many at a time are never shed, however slow one of them is */
  readonly freeOf: number;
  /** what would be done later than so long after it came is not begun */
  readonly oldestMs: number;
  /** never more than so many */
  readonly maximum: number;
}

/**
 * A caller waits on the line for 400 ms: beyond what can be decided in that time, more work makes every answer late
 * and none good.
 */
export const ANSWER_SHEDDING: ShedLimits = { freeOf: 50, oldestMs: 250, maximum: 1_000 };

/** Reports can wait for seconds, and a provider sends them again or is asked how the call ended. */
export const REPORT_SHEDDING: ShedLimits = { freeOf: 200, oldestMs: 2_000, maximum: 2_000 };

/** The weight of one completion in the mean time between two: about the last hundred count. */
const WEIGHT = 0.02;
/** Of the time, what is given out by reckoning: so that it is seldom the oldest that stops what comes, and then all. */
const SHARE = 0.8;
/** Before anything was measured: half of what one process does on a server's PostgreSQL. */
const BETWEEN_MS_AT_FIRST = 0.5;

/**
 * Lets work in as long as it can be done in time, and says so at once when it cannot. Work ends about in its order, so a
 * new piece has to wait as long as the oldest has by now, and as long as those before it will take at the rate of late.
 * What it has waited already, before it was read, counts.
 */
export class ShedLoad {
  readonly #limits: ShedLimits;
  readonly #clock: Clock;
  /** a Set keeps the order of insertion: the first is the oldest */
  readonly #running = new Set<{ readonly since: Instant }>();
  /** the mean between two completions while there was enough to do */
  #betweenMs = BETWEEN_MS_AT_FIRST;
  #doneAt: Instant | null = null;

  constructor(limits: ShedLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Whether a piece that has waited for so long would be done too late. */
  isFull(waitedMs = 0): boolean {
    const { freeOf, oldestMs, maximum } = this.#limits;
    if (this.#running.size < freeOf) return false;
    if (this.#running.size >= maximum) return true;
    if (waitedMs + this.#running.size * this.#betweenMs >= SHARE * oldestMs) return true;
    const [oldest] = this.#running;
    return oldest !== undefined && this.#clock.now() - oldest.since >= oldestMs;
  }

  /** Does the work, or returns null at once because it could not be done in time. */
  async admit<T>(work: () => Promise<T>, waitedMs = 0): Promise<T | null> {
    if (this.isFull(waitedMs)) return null;
    const place = { since: this.#clock.now() - waitedMs };
    this.#running.add(place);
    try {
      return await work();
    } finally {
      this.#noteDone();
      this.#running.delete(place);
    }
  }

  /** Only while there is a queue does the time between two ends say how fast work is done. */
  #noteDone(): void {
    const now = this.#clock.now();
    const wasBusy = this.#running.size >= this.#limits.freeOf;
    if (wasBusy && this.#doneAt !== null) {
      this.#betweenMs += WEIGHT * (Math.max(0, now - this.#doneAt) - this.#betweenMs);
    }
    this.#doneAt = wasBusy ? now : null;
  }
}
