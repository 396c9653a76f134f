import { createHash, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { Random } from '../lib/random.ts';
import { Format, KEY_BYTES, open, readHeader, type Sealed, seal, UnsealError } from './envelope.ts';

export type KeyPurpose = 'seal' | 'index' | 'fingerprint';

/** Which data key a wrapped one is; it is authenticated with the key. */
export interface KeyName {
  readonly tenant: string;
  readonly keyId: number;
  readonly purpose: KeyPurpose;
}

/** No master key that was given wrapped this data key. Nothing is read or written until the right one is there. */
export class MasterKeyError extends UnsealError {
  constructor({ tenant, keyId }: KeyName, wantedId: number, given: readonly number[]) {
    const wanted = wantedId === 0 ? '' : ` (it was wrapped by master key ${hexOf(wantedId)})`;
    super(
      `The master key does not open data key ${keyId} of tenant ${tenant}${wanted}; given was ` +
        `${given.map(hexOf).join(' and ')}. Set MASKLINE_MASTER_KEY to the one that this database was started with, ` +
        'or give it as MASKLINE_MASTER_KEY_ALSO. Nothing was changed.',
    );
    this.name = 'MasterKeyError';
  }
}

interface WrappingKey {
  readonly id: number;
  readonly secret: KeyObject;
}

/**
 * The master keys of this process: the first wraps, all of them open. Two at once are how one is exchanged for
 * another while replicas run. A wrapped key names the one that wrapped it by 32 bits of a digest.
 */
export class MasterKeys {
  readonly #keys: readonly [WrappingKey, ...WrappingKey[]];

  /** @param masterKeys 32 random bytes each */
  constructor(masterKeys: readonly Uint8Array[]) {
    const [first, ...others] = masterKeys.map(toWrappingKey);
    if (!first) throw new Error('There must be a master key.');
    this.#keys = [first, ...others];
  }

  /** Names the key that wraps, in logs and reports; it tells nothing about the key. */
  get id(): string {
    return hexOf(this.#keys[0].id);
  }

  wrap(name: KeyName, key: Uint8Array, random: Random): Sealed {
    const { id, secret } = this.#keys[0];
    return seal(secret, { format: Format.DataKey, keyId: id }, key, aadOf(name), random);
  }

  /** @throws MasterKeyError */
  unwrap(name: KeyName, wrapped: Sealed): Uint8Array {
    const { keyId } = readHeader(wrapped);
    // 0 is from before wrapped keys named their master key.
    for (const { id, secret } of this.#keys.filter((key) => keyId === 0 || key.id === keyId)) {
      try {
        return open(secret, wrapped, aadOf(name));
      } catch (error) {
        if (keyId === id) throw error;
      }
    }
    throw new MasterKeyError(
      name,
      keyId,
      this.#keys.map(({ id }) => id),
    );
  }

  /** Whether the key that wraps now has wrapped it. */
  isCurrent(wrapped: Sealed): boolean {
    return readHeader(wrapped).keyId === this.#keys[0].id;
  }
}

function toWrappingKey(masterKey: Uint8Array): WrappingKey {
  if (masterKey.length !== KEY_BYTES) throw new Error(`The master key must have ${KEY_BYTES} bytes.`);
  const bytes = new Uint8Array(hkdfSync('sha256', masterKey, '', 'maskline data key wrapping', KEY_BYTES));
  const digest = createHash('sha256').update('maskline master key name').update(bytes).digest();
  // Never 0, which stands for a key without a name.
  return { id: digest.readUInt32BE(0) || 1, secret: createSecretKey(bytes) };
}

function hexOf(id: number): string {
  return id.toString(16).padStart(8, '0');
}

function aadOf({ tenant, purpose, keyId }: KeyName): Buffer {
  return Buffer.from(JSON.stringify([tenant, 'data_key', purpose, keyId]));
}
