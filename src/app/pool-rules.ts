import type { Pool } from '../domain/pool.ts';
import type { Clock } from '../lib/clock.ts';
import type { Storage } from '../storage/storage.ts';

/** A change of a pool holds for calls on every replica after so long. */
const FRESH_MS = 1_000;
/** From then on it is read again while calls still go by what is known, so that in a stream of them none waits for it. */
const RENEWED_AFTER_MS = 500;
const POOLS_MAXIMUM = 10_000;

interface Entry {
  readonly pool: Promise<Pool | null>;
  readonly askedAt: number;
  isRenewed: boolean;
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
    const known = this.#entries.get(key);
    const age = known ? Math.abs(this.#clock.now() - known.askedAt) : FRESH_MS;
    if (!known || age >= FRESH_MS) return this.#keep(key, this.#read(tenant, name)).pool;
    if (age >= RENEWED_AFTER_MS && !known.isRenewed) this.#renew(key, known, this.#read(tenant, name));
    return known.pool;
  }

  /** After a change by this process, which its own next call already sees. */
  forget(tenant: string, name: string): void {
    this.#entries.delete(keyOf(tenant, name));
  }

  #read(tenant: string, name: string): Entry {
    const askedAt = this.#clock.now();
    const pool = this.#storage.run(tenant, ({ pools }) => pools.get(name));
    return { pool, askedAt, isRenewed: false };
  }

  #keep(key: string, entry: Entry): Entry {
    if (this.#entries.size >= POOLS_MAXIMUM) this.#entries.clear();
    this.#entries.set(key, entry);
    entry.pool.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    return entry;
  }

  /** Takes the place of what is known when it is there, unless that was forgotten or replaced meanwhile. */
  #renew(key: string, known: Entry, renewed: Entry): void {
    known.isRenewed = true;
    renewed.pool.then(
      () => {
        if (this.#entries.get(key) === known) this.#entries.set(key, renewed);
      },
      () => {
        known.isRenewed = false;
      },
    );
  }
}

function keyOf(tenant: string, name: string): string {
  return `${tenant}\n${name}`;
}
