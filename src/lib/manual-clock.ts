import type { Clock, Instant, TimerHandle } from './clock.ts';

interface PendingTimer {
  readonly at: Instant;
  readonly sequence: number;
  readonly run: () => void;
}

/** A clock that stands still until it is moved by hand; tests and the simulation live on it. */
export class ManualClock implements Clock {
  #now: Instant;
  #sequence = 0;
  readonly #timers = new Set<PendingTimer>();

  constructor(start: Instant = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): Instant {
    return this.#now;
  }

  after(delayMs: number, run: () => void): TimerHandle {
    const timer: PendingTimer = { at: this.#now + Math.max(0, delayMs), sequence: this.#sequence++, run };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Moves time forward and runs what falls due, in order. A timer that sets another within the span runs it too. */
  advance(byMs: number): void {
    const until = this.#now + byMs;
    for (let next = this.#nextDue(until); next; next = this.#nextDue(until)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = until;
  }

  /** Sets the wall clock without running timers, as a step of NTP would. */
  jumpTo(instant: Instant): void {
    this.#now = instant;
  }

  #nextDue(until: Instant): PendingTimer | undefined {
    let next: PendingTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.at > until) continue;
      if (!next || timer.at < next.at || (timer.at === next.at && timer.sequence < next.sequence))
        next = timer;
    }
    return next;
  }
}
