import type { Clock, Instant, TimerHandle } from '../../src/lib/clock.ts';

interface PendingTimer {
  readonly at: Instant;
  readonly sequence: number;
  readonly run: () => void;
}

/** The one true time of a run. It moves only when the scheduler says so, from one due timer to the next. */
export class SimClock implements Clock {
  #now: Instant;
  #sequence = 0;
  readonly #timers = new Set<PendingTimer>();

  constructor(start: Instant) {
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

  /** When the next timer falls due, or null. */
  nextDue(): Instant | null {
    return this.#next()?.at ?? null;
  }

  /** Moves to `instant` and runs what has fallen due by then, in order. */
  moveTo(instant: Instant): void {
    this.#now = Math.max(this.#now, instant);
    for (let next = this.#next(); next && next.at <= this.#now; next = this.#next()) {
      this.#timers.delete(next);
      next.run();
    }
  }

  #next(): PendingTimer | undefined {
    let next: PendingTimer | undefined;
    for (const timer of this.#timers) {
      if (!next || timer.at < next.at || (timer.at === next.at && timer.sequence < next.sequence))
        next = timer;
    }
    return next;
  }
}

/**
 * The clock of one replica: the true time and a skew. Timers of a replica that is paused run when it goes on,
 * before anything else, as they do in a process that was stopped; those of one that died never run.
 */
export class ReplicaClock implements Clock {
  readonly #truth: SimClock;
  skewMs = 0;
  #paused = false;
  #dead = false;
  readonly #overdue: (() => void)[] = [];

  constructor(truth: SimClock) {
    this.#truth = truth;
  }

  now(): Instant {
    return this.#truth.now() + this.skewMs;
  }

  after(delayMs: number, run: () => void): TimerHandle {
    let cancelled = false;
    const timer = this.#truth.after(delayMs, () => {
      const due = (): void => {
        if (!cancelled && !this.#dead) run();
      };
      if (this.#paused) this.#overdue.push(due);
      else due();
    });
    return {
      cancel() {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (const run of this.#overdue.splice(0)) run();
  }

  kill(): void {
    this.#dead = true;
  }
}
