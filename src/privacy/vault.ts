import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import { PhoneNumber } from './phone-number.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FORMAT = 1;
const HEADER_BYTES = 1 + 4;

/** HMAC-SHA-256 of a number under the tenant's index key: 32 bytes. An unkeyed hash of a number is no protection. */
export type CallerKey = Uint8Array;

/** `format(1) ‖ key id(4) ‖ nonce(12) ‖ ciphertext ‖ tag(16)`. */
export type Sealed = Uint8Array;

/** Where a sealed value stands. It is authenticated with the value, so that rows cannot be swapped. */
export interface Place {
  readonly table: 'participant' | 'route' | 'call' | 'dead_letter' | 'provider_account';
  readonly row: string;
}

export interface StoredDataKey {
  readonly keyId: number;
  readonly purpose: 'seal' | 'index';
  /** the key, sealed under the master key; null once it was destroyed */
  readonly wrapped: Uint8Array | null;
}

/** What the vault needs of storage. */
export interface KeyStore {
  dataKeyList(tenant: string): Promise<readonly StoredDataKey[]>;
  /** Does nothing when the tenant has a key by that id: the first writer wins, and everybody reads again. */
  dataKeyInsert(tenant: string, key: StoredDataKey, createdAt: number): Promise<void>;
}

/** A value that cannot be opened: the key is gone, the place is another, or somebody changed the bytes. */
export class UnsealError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnsealError';
  }
}

/** The keys of one tenant, unwrapped, in memory. */
export class TenantKeys {
  readonly tenant: string;
  readonly #sealing: ReadonlyMap<number, KeyObject>;
  readonly #sealingKeyId: number;
  readonly #index: KeyObject;
  readonly #random: Random;

  constructor(tenant: string, keys: ReadonlyMap<number, UnwrappedKey>, random: Random) {
    this.tenant = tenant;
    this.#random = random;
    const sealing = [...keys].filter(([, key]) => key.purpose === 'seal');
    const index = [...keys].filter(([, key]) => key.purpose === 'index').at(-1);
    const newest = sealing.at(-1);
    if (!newest || !index) throw new Error(`Tenant ${tenant} lacks a data key`);
    this.#sealing = new Map(sealing.map(([id, key]) => [id, key.secret]));
    this.#sealingKeyId = newest[0];
    this.#index = index[1].secret;
  }

  callerKey(number: PhoneNumber): CallerKey {
    return createHmac('sha256', this.#index).update(number.reveal()).digest();
  }

  /**
   * HMAC-SHA-256 of any text, to recognise it again without keeping it: a request body, say, whose plain hash
   * would give away the numbers in it. The prefix keeps it apart from caller keys, which begin with `+`.
   */
  fingerprint(text: string): Uint8Array {
    return createHmac('sha256', this.#index).update(`fingerprint:${text}`).digest();
  }

  sealNumber(number: PhoneNumber, place: Place): Sealed {
    return this.sealText(number.reveal(), place);
  }

  /** @throws UnsealError */
  openNumber(sealed: Sealed, place: Place): PhoneNumber {
    const number = PhoneNumber.parse(this.openText(sealed, place));
    if (!number) throw new UnsealError('What was sealed is not a phone number.');
    return number;
  }

  sealText(text: string, place: Place): Sealed {
    const key = this.#sealing.get(this.#sealingKeyId);
    if (!key) throw new UnsealError('The sealing key is not loaded.');
    const aad = placeBytes(this.tenant, place, this.#sealingKeyId);
    return seal(key, this.#sealingKeyId, Buffer.from(text, 'utf8'), aad, this.#random);
  }

  /** @throws UnsealError */
  openText(sealed: Sealed, place: Place): string {
    const keyId = keyIdOf(sealed);
    const key = this.#sealing.get(keyId);
    if (!key) throw new UnsealError('The key that sealed this value is not there any more.');
    return Buffer.from(open(key, sealed, placeBytes(this.tenant, place, keyId))).toString('utf8');
  }
}

interface UnwrappedKey {
  readonly purpose: 'seal' | 'index';
  /** as an object of Node's: with the plain bytes an HMAC takes eight times as long, and sealing four times */
  readonly secret: KeyObject;
}

/**
 * Envelope encryption: the master key, which never enters the database, wraps two data keys for each tenant,
 * one that seals numbers (AES-256-GCM) and one that makes caller keys (HMAC-SHA-256).
 */
export class Vault {
  readonly #wrappingKey: KeyObject;
  readonly #store: KeyStore;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #tenants = new Map<string, Promise<TenantKeys>>();

  /** @param masterKey 32 random bytes */
  constructor(masterKey: Uint8Array, store: KeyStore, clock: Clock, random: Random) {
    if (masterKey.length !== KEY_BYTES) throw new Error(`The master key must have ${KEY_BYTES} bytes.`);
    this.#wrappingKey = createSecretKey(
      new Uint8Array(hkdfSync('sha256', masterKey, '', 'maskline data key wrapping', KEY_BYTES)),
    );
    this.#store = store;
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * The tenant's keys, made on first use. Call it before a transaction begins: it may need storage itself.
   * @throws UnsealError when the master key is not the one that wrapped them
   */
  keysOf(tenant: string): Promise<TenantKeys> {
    const cached = this.#tenants.get(tenant);
    if (cached) return cached;
    const loading = this.#load(tenant);
    this.#tenants.set(tenant, loading);
    // A failure is not remembered: storage may be back a moment later.
    loading.catch(() => this.#tenants.delete(tenant));
    return loading;
  }

  async #load(tenant: string): Promise<TenantKeys> {
    let stored = await this.#store.dataKeyList(tenant);
    if (stored.length === 0) {
      await this.#create(tenant, 1, 'seal');
      await this.#create(tenant, 2, 'index');
      stored = await this.#store.dataKeyList(tenant);
    }
    const keys = new Map<number, UnwrappedKey>();
    for (const key of [...stored].sort((a, b) => a.keyId - b.keyId)) {
      if (!key.wrapped) continue;
      const bytes = open(this.#wrappingKey, key.wrapped, wrapBytes(tenant, key.keyId, key.purpose));
      keys.set(key.keyId, { purpose: key.purpose, secret: createSecretKey(bytes) });
    }
    return new TenantKeys(tenant, keys, this.#random);
  }

  async #create(tenant: string, keyId: number, purpose: 'seal' | 'index'): Promise<void> {
    const bytes = this.#random.bytes(KEY_BYTES);
    const wrapped = seal(this.#wrappingKey, 0, bytes, wrapBytes(tenant, keyId, purpose), this.#random);
    await this.#store.dataKeyInsert(tenant, { keyId, purpose, wrapped }, this.#clock.now());
  }
}

// JSON keeps the parts apart, so that no two places read the same.
function placeBytes(tenant: string, place: Place, keyId: number): Buffer {
  return Buffer.from(JSON.stringify([tenant, place.table, place.row, keyId]));
}

function wrapBytes(tenant: string, keyId: number, purpose: string): Buffer {
  return Buffer.from(JSON.stringify([tenant, 'data_key', purpose, keyId]));
}

function keyIdOf(sealed: Sealed): number {
  if (sealed.length < HEADER_BYTES + NONCE_BYTES + TAG_BYTES || sealed[0] !== FORMAT) {
    throw new UnsealError('The sealed value has an unknown format.');
  }
  return new DataView(sealed.buffer, sealed.byteOffset).getUint32(1);
}

function seal(key: KeyObject, keyId: number, plain: Uint8Array, aad: Uint8Array, random: Random): Sealed {
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(aad);
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = FORMAT;
  header.writeUInt32BE(keyId, 1);
  return Buffer.concat([header, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function open(key: KeyObject, sealed: Sealed, aad: Uint8Array): Uint8Array {
  keyIdOf(sealed);
  const nonce = sealed.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  try {
    const body = sealed.subarray(HEADER_BYTES + NONCE_BYTES, sealed.length - TAG_BYTES);
    return Buffer.concat([decipher.update(body), decipher.final()]);
  } catch (cause) {
    throw new UnsealError('The sealed value does not belong here, or it was changed.', { cause });
  }
}
