import type { Clock, Instant } from '../lib/clock.ts';

export interface ApiRate {
  readonly unitsPerSecond: number;
  /** how many may be spent at once after a pause */
  readonly burst: number;
}

/** Some hundred times what a busy company needs, so that it stops what runs away and nothing else. */
export const API_RATE_DEFAULT: ApiRate = { unitsPerSecond: 5_000, burst: 10_000 };

/** Keys that are remembered. One that is forgotten begins with a full bucket, as it would after a second of rest. */
const BUCKETS_MAXIMUM = 5_000;

interface Bucket {
  units: number;
  readAt: Instant;
}

/**
 * How much an API key may ask of this process: a bucket of units for each key, which fills up again all the time.
 * An operation costs what it costs us: see `costOf`. Each replica counts by itself.
 */
export class ApiRateLimit {
  readonly #rate: ApiRate;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: ApiRate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** Takes the units, or returns after how many seconds there will be enough. */
  take(apiKeyId: string, units: number): { readonly retryAfterSeconds: number } | null {
    const bucket = this.#filled(apiKeyId);
    // What costs more than the whole bucket would never run: it takes all of it instead.
    const needed = Math.min(units, this.#rate.burst);
    if (bucket.units >= needed) {
      bucket.units -= needed;
      return null;
    }
    const missing = needed - bucket.units;
    return { retryAfterSeconds: Math.max(1, Math.ceil(missing / this.#rate.unitsPerSecond)) };
  }

  #filled(apiKeyId: string): Bucket {
    const now = this.#clock.now();
    const known = this.#buckets.get(apiKeyId);
    if (!known) return this.#begin(apiKeyId, now);
    const seconds = Math.max(0, now - known.readAt) / 1_000;
    known.units = Math.min(this.#rate.burst, known.units + seconds * this.#rate.unitsPerSecond);
    known.readAt = now;
    return known;
  }

  #begin(apiKeyId: string, now: Instant): Bucket {
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size < BUCKETS_MAXIMUM) break;
      this.#buckets.delete(oldest);
    }
    const bucket = { units: this.#rate.burst, readAt: now };
    this.#buckets.set(apiKeyId, bucket);
    return bucket;
  }
}
