import type { Clock, Instant } from '../lib/clock.ts';

const SECOND_MS = 1_000;

/**
 * Which lines of one kind are written when there may be thousands of them a second: the first few of each second. The
 * first of a later second says how many were left out, and the metrics count all of them.
 */
export class SampledLog {
  readonly #clock: Clock;
  readonly #linesPerSecond: number;
  #second: Instant = 0;
  #written = 0;
  #leftOut = 0;

  constructor(clock: Clock, linesPerSecond: number) {
    this.#clock = clock;
    this.#linesPerSecond = linesPerSecond;
  }

  /** Null: leave it out. Else what to add to the line: how many were left out before it, if any were. */
  admit(): { readonly leftOut?: number } | null {
    const second = Math.floor(this.#clock.now() / SECOND_MS);
    if (second !== this.#second) {
      this.#second = second;
      this.#written = 0;
    }
    if (this.#written >= this.#linesPerSecond) {
      this.#leftOut++;
      return null;
    }
    this.#written++;
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return leftOut > 0 ? { leftOut } : {};
  }
}
