import { createSecretKey } from 'node:crypto';
import type { Clock, Instant } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import { KEY_BYTES, type Sealed } from './envelope.ts';
import { type KeyPurpose, MasterKeys } from './master-keys.ts';
import { MasterKeyUnavailable } from './master-key-source.ts';
import { type DataKey, type KeyState, TenantKeys } from './tenant-keys.ts';

export { type Sealed, UnsealError } from './envelope.ts';
export {
  type CallerKey,
  type IndexedCallerKey,
  type ParticipantKey,
  type Place,
  TenantKeys,
} from './tenant-keys.ts';

export interface StoredDataKey {
  readonly keyId: number;
  readonly purpose: KeyPurpose;
  /** default: active */
  readonly state?: KeyState;
  /** default: none */
  readonly day?: string | null;
  /** the key, sealed under the master key; null once it was destroyed */
  readonly wrapped: Uint8Array | null;
}

/** What the vault needs of storage. */
export interface KeyStore {
  dataKeyList(tenant: string): Promise<readonly StoredDataKey[]>;
  /**
   * Does nothing when the tenant has a key by that id, or an active one for that purpose and day: the first
   * writer wins, and everybody reads again.
   */
  dataKeyInsert(tenant: string, key: StoredDataKey, createdAt: number): Promise<void>;
}

/** Keys as they stood so long ago are used while newer ones are fetched beside it. */
const FRESH_MS = 2_000;
/** A key that was exchanged or destroyed is out of use after so long, everywhere. */
const STALE_MS = 4_500;
/** For so long the keys in memory are used when storage does not answer: what is live goes on routing (FLT-41). */
const OUTAGE_MS = 15 * 60_000;
/** Each round in which another replica was quicker has made a key, and there are only four to make. */
const ROUNDS = 8;

interface Entry {
  readonly keys: Promise<TenantKeys>;
  readonly askedAt: Instant;
  readonly day: string;
  /** newer ones, on their way */
  refreshing: Promise<TenantKeys> | null;
}

/**
 * Envelope encryption: master keys, which never enter the database, wrap the data keys of each tenant. Those
 * that seal persons' numbers are of one day each, so that a day can be destroyed, in backups too.
 */
export class Vault {
  readonly masterKeys: MasterKeys;
  readonly #store: KeyStore;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #held: () => boolean;
  readonly #tenants = new Map<string, Entry>();

  /**
   * @param masterKeys 32 random bytes each; the first wraps, the others open only
   * @param held whether those who keep the master keys still let us use them; default: for good
   */
  constructor(
    masterKeys: Uint8Array | readonly Uint8Array[],
    store: KeyStore,
    clock: Clock,
    random: Random,
    held: () => boolean = () => true,
  ) {
    this.masterKeys = new MasterKeys(masterKeys instanceof Uint8Array ? [masterKeys] : masterKeys);
    this.#store = store;
    this.#clock = clock;
    this.#random = random;
    this.#held = held;
  }

  /** Whether anything can be opened or sealed now. */
  get usable(): boolean {
    return this.#held();
  }

  /**
   * The tenant's keys, made on first use; never older than 5 s while storage answers. Call it before a
   * transaction begins: it may need storage itself.
   * @throws MasterKeyError when no master key that was given wrapped them
   * @throws MasterKeyUnavailable when whoever keeps the master key has not confirmed it for a quarter of an hour
   */
  async keysOf(tenant: string): Promise<TenantKeys> {
    if (!this.#held()) {
      this.#tenants.clear();
      throw new MasterKeyUnavailable(
        'The master key was not confirmed for 15 minutes. Nothing is opened or sealed until it is; the log says why.',
      );
    }
    const entry = this.#tenants.get(tenant);
    if (!entry) return this.#ask(tenant);
    const age = this.#clock.now() - entry.askedAt;
    const today = dayOf(this.#clock.now());
    const usable = entry.day === today;
    if (usable && age < FRESH_MS) return entry.keys;
    entry.refreshing ??= this.#ask(tenant).finally(() => {
      entry.refreshing = null;
    });
    const refreshing = entry.refreshing;
    refreshing.catch(() => {});
    if (usable && age < STALE_MS) return entry.keys;
    try {
      return await refreshing;
    } catch (error) {
      if (age < OUTAGE_MS) return entry.keys;
      throw error;
    }
  }

  #ask(tenant: string): Promise<TenantKeys> {
    const askedAt = this.#clock.now();
    const before = this.#tenants.get(tenant);
    const day = dayOf(askedAt);
    const keys = this.#load(tenant, day);
    // Until the first keys are there, everybody waits for the same question.
    if (!before) this.#tenants.set(tenant, { keys, askedAt, day, refreshing: null });
    keys.then(
      () => {
        const known = this.#tenants.get(tenant);
        if (!known || known.askedAt <= askedAt) {
          this.#tenants.set(tenant, { keys, askedAt, day, refreshing: null });
        }
      },
      () => {
        // A failure is not remembered: storage may be back a moment later.
        if (this.#tenants.get(tenant)?.keys === keys) this.#tenants.delete(tenant);
      },
    );
    return keys;
  }

  async #load(tenant: string, day: string): Promise<TenantKeys> {
    for (let round = 0; round < ROUNDS; round++) {
      const stored = await this.#store.dataKeyList(tenant);
      // All are opened before any is made: with a wrong master key nothing may be written.
      const keys = this.unwrapAll(tenant, stored);
      const missing = missingKeys(keys, day);
      const [next] = missing;
      if (!next) return new TenantKeys(tenant, keys, day, this.#random);
      const keyId = 1 + Math.max(0, ...stored.map((key) => key.keyId));
      await this.#store.dataKeyInsert(tenant, this.createKey(tenant, { ...next, keyId }), this.#clock.now());
    }
    throw new Error(`The data keys of tenant ${tenant} could not be made.`);
  }

  /** A new random key, wrapped. */
  createKey(
    tenant: string,
    key: {
      readonly keyId: number;
      readonly purpose: KeyPurpose;
      readonly day: string | null;
      readonly state?: KeyState;
    },
  ): StoredDataKey {
    const wrapped = this.masterKeys.wrap({ tenant, ...key }, this.#random.bytes(KEY_BYTES), this.#random);
    return { state: 'active', ...key, wrapped };
  }

  /** @throws MasterKeyError */
  unwrapAll(tenant: string, stored: readonly StoredDataKey[]): DataKey[] {
    return [...stored]
      .sort((a, b) => a.keyId - b.keyId)
      .flatMap(({ keyId, purpose, state = 'active', day = null, wrapped }) => {
        if (!wrapped) return [];
        return [
          {
            keyId,
            purpose,
            state,
            day,
            secret: createSecretKey(this.masterKeys.unwrap({ tenant, keyId, purpose }, wrapped)),
          },
        ];
      });
  }

  /** The same key, wrapped by the master key that wraps now; null when it is already. @throws MasterKeyError */
  rewrap(tenant: string, key: StoredDataKey): Sealed | null {
    if (!key.wrapped || this.masterKeys.isCurrent(key.wrapped)) return null;
    const bytes = this.masterKeys.unwrap({ tenant, ...key }, key.wrapped);
    return this.masterKeys.wrap({ tenant, ...key }, bytes, this.#random);
  }
}

export function dayOf(instant: Instant): string {
  return new Date(instant).toISOString().slice(0, 10);
}

function missingKeys(
  keys: readonly DataKey[],
  day: string,
): { readonly purpose: KeyPurpose; readonly day: string | null }[] {
  const wanted = [
    { purpose: 'seal', day: null },
    { purpose: 'index', day: null },
    { purpose: 'fingerprint', day: null },
    { purpose: 'seal', day },
  ] as const;
  return wanted.filter(
    (want) =>
      !keys.some((key) => key.state === 'active' && key.purpose === want.purpose && key.day === want.day),
  );
}
