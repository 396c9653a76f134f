import type { Clock, Instant } from '../../lib/clock.ts';

export interface ShedLimits {
  /** fewer than so many at a time are never shed, however slow one of them is */
  readonly freeOf: number;
  /** when the oldest has waited so long, what comes now would wait longer */
  readonly oldestMs: number;
  /** never more than so many */
  readonly maximum: number;
}

/**
 * A caller waits on the line for 400 ms: beyond what can be decided in that time, more work makes every answer late
 * and none good. Decisions end about in their order, so the age of the oldest is what a new one has to wait.
 */
export const ANSWER_SHEDDING: ShedLimits = { freeOf: 50, oldestMs: 250, maximum: 1_000 };

/** Reports can wait for seconds, and a provider sends them again or is asked how the call ended. */
export const REPORT_SHEDDING: ShedLimits = { freeOf: 200, oldestMs: 2_000, maximum: 2_000 };

/** Lets work in as long as it can be done in time, and says so at once when it cannot. */
export class ShedLoad {
  readonly #limits: ShedLimits;
  readonly #clock: Clock;
  /** a Set keeps the order of insertion: the first is the oldest */
  readonly #running = new Set<{ readonly since: Instant }>();

  constructor(limits: ShedLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Does the work, or returns null at once because it could not be done in time. */
  async admit<T>(work: () => Promise<T>): Promise<T | null> {
    if (this.#isFull()) return null;
    const place = { since: this.#clock.now() };
    this.#running.add(place);
    try {
      return await work();
    } finally {
      this.#running.delete(place);
    }
  }

  #isFull(): boolean {
    const { freeOf, oldestMs, maximum } = this.#limits;
    if (this.#running.size < freeOf) return false;
    if (this.#running.size >= maximum) return true;
    const [oldest] = this.#running;
    return oldest !== undefined && this.#clock.now() - oldest.since >= oldestMs;
  }
}
