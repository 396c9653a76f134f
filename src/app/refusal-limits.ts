import type { Clock, Instant } from '../lib/clock.ts';
import type { CallerKey } from '../privacy/vault.ts';
import type { Attestation } from '../providers/provider.ts';

/** How many refusals, in how long, and of how many different callers or numbers that is remembered. */
interface Limit {
  readonly refusals: number;
  readonly windowMs: number;
  readonly keys: number;
}

const CALLER: Limit = { refusals: 6, windowMs: 10 * 60_000, keys: 50_000 };
const NUMBER: Limit = { refusals: 30, windowMs: 60_000, keys: 20_000 };
const SOURCE: Limit = { refusals: 3_000, windowMs: 60_000, keys: 1_000 };

const FORGOTTEN_AT_ONCE = 2;

interface Asker {
  readonly tenant: string;
  readonly providerAccount: string;
  readonly callerKey: CallerKey | null;
  readonly virtualNumber: string | null;
}

/**
 * Who dials number after number is slowed down: six refusals of a caller in ten minutes, and the caller is refused
 * whatever they dial, unless the network vouches for the number fully, so that nobody is locked out by somebody who
 * forges it. Thirty refusals on a number, or three thousand at an account, in a minute, and strangers there are no
 * longer offered to prove who they are; those with a route go on being connected.
 *
 * In memory and per replica: with n replicas behind a balancer a scan is let n times as far. It is a brake, and what
 * holds without it is that every refusal says the same. Bounded: whoever was not refused within a window is forgotten,
 * beyond the limit of keys those first that were refused longest ago, and a window holds no more instants than its limit.
 */
export class RefusalLimits {
  readonly #clock: Clock;
  readonly #callers = new Windows(CALLER);
  readonly #numbers = new Windows(NUMBER);
  readonly #sources = new Windows(SOURCE);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many callers, numbers and accounts are remembered. */
  get remembered(): number {
    return this.#callers.size + this.#numbers.size + this.#sources.size;
  }

  /** Whether this caller is refused whatever they dial. */
  refusesCaller({ tenant, callerKey }: Asker, attestation: Attestation | null): boolean {
    return (
      callerKey !== null &&
      attestation !== 'A' &&
      this.#callers.isFull(callerOf(tenant, callerKey), this.#clock.now())
    );
  }

  /** Whether strangers may still show something here: announce a call, or key in a PIN. */
  refusesStrangers({ tenant, providerAccount, virtualNumber }: Asker): boolean {
    const now = this.#clock.now();
    return (
      this.#sources.isFull(`${tenant}|${providerAccount}`, now) ||
      (virtualNumber !== null && this.#numbers.isFull(`${tenant}|${virtualNumber}`, now))
    );
  }

  note({ tenant, providerAccount, callerKey, virtualNumber }: Asker): void {
    const now = this.#clock.now();
    if (callerKey) this.#callers.add(callerOf(tenant, callerKey), now);
    if (virtualNumber) this.#numbers.add(`${tenant}|${virtualNumber}`, now);
    this.#sources.add(`${tenant}|${providerAccount}`, now);
  }
}

function callerOf(tenant: string, callerKey: CallerKey): string {
  return `${tenant}|${Buffer.from(callerKey).toString('base64')}`;
}

/** The newest instants of each key, in a ring as large as the limit. */
class Windows {
  readonly #limit: Limit;
  readonly #rings = new Map<string, { readonly instants: Instant[]; next: number }>();

  constructor(limit: Limit) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#rings.size;
  }

  isFull(key: string, now: Instant): boolean {
    const ring = this.#rings.get(key);
    if (!ring || ring.instants.length < this.#limit.refusals) return false;
    // Where the next one goes, the oldest one stands.
    const oldest = ring.instants[ring.next] ?? Number.NEGATIVE_INFINITY;
    return now - oldest < this.#limit.windowMs;
  }

  add(key: string, now: Instant): void {
    const ring = this.#rings.get(key) ?? { instants: [], next: 0 };
    ring.instants[ring.next] = now;
    ring.next = (ring.next + 1) % this.#limit.refusals;
    // Put at the end again, so that the first is the one that was refused longest ago.
    this.#rings.delete(key);
    this.#rings.set(key, ring);
    this.#forget(now);
  }

  /** At most as many as make it shrink while it is added to, so that no call waits for a great clearing. */
  #forget(now: Instant): void {
    const { refusals, windowMs, keys } = this.#limit;
    let left = FORGOTTEN_AT_ONCE;
    for (const [key, { instants, next }] of this.#rings) {
      const newest = instants[(next + refusals - 1) % refusals] ?? Number.NEGATIVE_INFINITY;
      if (left-- === 0 || (now - newest < windowMs && this.#rings.size <= keys)) return;
      this.#rings.delete(key);
    }
  }
}
