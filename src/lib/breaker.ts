import type { Instant } from './clock.ts';

/** Failures in a row that open it. */
const FAILURES_MAXIMUM = 5;
/** After this long one attempt is let through; each that fails doubles it, up to the maximum. */
const OPEN_MS = 15_000;
const OPEN_MS_MAXIMUM = 60_000;

/** Leaves alone for a while what has failed again and again, and what has asked to be left alone. */
export class Breaker {
  #failures = 0;
  #openMs = OPEN_MS;
  #retryAt: Instant = 0;

  get isOpen(): boolean {
    return this.#failures >= FAILURES_MAXIMUM;
  }

  /** Whether an attempt may be made now. */
  allows(now: Instant): boolean {
    return now >= this.#retryAt;
  }

  /** Returns true when this has closed it. */
  succeeded(): boolean {
    const wasOpen = this.isOpen;
    this.#failures = 0;
    this.#openMs = OPEN_MS;
    this.#retryAt = 0;
    return wasOpen;
  }

  /** Returns true when this has opened it. */
  failed(now: Instant): boolean {
    this.#failures++;
    if (!this.isOpen) return false;
    const isFirst = this.#failures === FAILURES_MAXIMUM;
    this.#openMs = isFirst ? OPEN_MS : Math.min(this.#openMs * 2, OPEN_MS_MAXIMUM);
    this.#retryAt = Math.max(this.#retryAt, now + this.#openMs);
    return isFirst;
  }

  /** It has said itself when it may be asked again. */
  pauseUntil(instant: Instant): void {
    this.#retryAt = Math.max(this.#retryAt, instant);
  }
}
