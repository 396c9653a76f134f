import type { Pool } from '../domain/pool.ts';
import type { Clock } from '../lib/clock.ts';
import type { Storage } from '../storage/storage.ts';

/** A change of a pool holds for calls on every replica after so long. */
const FRESH_MS = 1_000;
const POOLS_MAXIMUM = 10_000;

interface Entry {
  readonly pool: Promise<Pool | null>;
  readonly askedAt: number;
}

/** Pools as they were within the last second, so that a call that is routed costs no further statement. */
export class PoolRules {
  readonly #storage: Pick<Storage, 'run'>;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(deps: { readonly storage: Pick<Storage, 'run'>; readonly clock: Clock }) {
    this.#storage = deps.storage;
    this.#clock = deps.clock;
  }

  /** @throws StorageError */
  async of(tenant: string, name: string): Promise<Pool | null> {
    const key = keyOf(tenant, name);
    const now = this.#clock.now();
    const known = this.#entries.get(key);
    if (known && Math.abs(now - known.askedAt) < FRESH_MS) return known.pool;
    if (this.#entries.size >= POOLS_MAXIMUM) this.#entries.clear();
    const entry = { pool: this.#storage.run(tenant, ({ pools }) => pools.get(name)), askedAt: now };
    this.#entries.set(key, entry);
    entry.pool.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    return entry.pool;
  }

  /** After a change by this process, which its own next call already sees. */
  forget(tenant: string, name: string): void {
    this.#entries.delete(keyOf(tenant, name));
  }
}

function keyOf(tenant: string, name: string): string {
  return `${tenant}\n${name}`;
}
