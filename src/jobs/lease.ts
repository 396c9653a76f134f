import type { Clock, Instant } from '../lib/clock.ts';
import type { SystemStorage } from '../storage/storage.ts';

const LEASE_MS = 10_000;
const RENEW_BEFORE_MS = 6_000;
/** How often somebody who does not hold it asks again. */
const ASK_AGAIN_MS = 1_000;

/**
 * One replica's claim to a job that only one may do at a time. It lasts ten seconds and is renewed while it is
 * used, so that another replica goes on within fifteen seconds of a crash.
 */
export class Lease {
  readonly #name: string;
  readonly #holder: string;
  readonly #storage: SystemStorage;
  readonly #clock: Clock;
  #heldUntil: Instant = 0;
  #deniedAt: Instant | null = null;

  constructor(name: string, holder: string, storage: SystemStorage, clock: Clock) {
    this.#name = name;
    this.#holder = holder;
    this.#storage = storage;
    this.#clock = clock;
  }

  /** Whether this replica may go on now. */
  async hold(): Promise<boolean> {
    const now = this.#clock.now();
    if (this.#heldUntil - now > RENEW_BEFORE_MS) return true;
    if (this.#deniedAt !== null && Math.abs(now - this.#deniedAt) < ASK_AGAIN_MS) return false;
    const until = now + LEASE_MS;
    const acquired = await this.#storage.leaseAcquire(this.#name, this.#holder, now, until);
    this.#heldUntil = acquired ? until : 0;
    this.#deniedAt = acquired ? null : now;
    return acquired;
  }

  async release(): Promise<void> {
    if (this.#heldUntil === 0) return;
    this.#heldUntil = 0;
    await this.#storage.leaseRelease(this.#name, this.#holder);
  }
}
