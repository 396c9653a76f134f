import type { Clock, Instant, TimerHandle } from '../../lib/clock.ts';

const TICK_MS = 20;

/**
 * How long a request that is parsed now may have lain unread. The loop reads every socket once a turn, so a request
 * came since the turn before this one was at its sockets: its wait is what is gone of this turn, and the turn before.
 * A timer that is due every 20 ms is called once in a longer turn, at its beginning, and so knows the length of both.
 * A turn of less than 20 ms counts as none.
 */
export class LoopLag {
  readonly #clock: Clock;
  #tickedAt: Instant;
  /** by how much the last tick was late: the length of the turn before */
  #lateMs = 0;
  #timer: TimerHandle | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#tickedAt = clock.now();
  }

  start(): void {
    this.#tickedAt = this.#clock.now();
    this.#timer ??= this.#clock.after(TICK_MS, () => this.#tick());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Milliseconds at most; 0 while it does not run. */
  waitedMs(): number {
    return this.#timer === null ? 0 : this.#lateMs + this.#sinceDue();
  }

  #tick(): void {
    this.#lateMs = this.#sinceDue();
    this.#tickedAt = this.#clock.now();
    this.#timer = this.#clock.after(TICK_MS, () => this.#tick());
  }

  /** Not below 0 when the system's clock is set back. */
  #sinceDue(): number {
    return Math.max(0, this.#clock.now() - this.#tickedAt - TICK_MS);
  }
}
