import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import type { Random } from '../lib/random.ts';

export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + 4;

/** `format(1) ‖ key id(4) ‖ nonce(12) ‖ ciphertext ‖ tag(16)`. */
export type Sealed = Uint8Array;

/** What the sealing key of a value is: the data key itself, or one made of it and the participant's own key. */
export const Format = { DataKey: 1, ParticipantKey: 2 } as const;
export type Format = (typeof Format)[keyof typeof Format];

/** A value that cannot be opened: the key is gone, the place is another, or somebody changed the bytes. */
export class UnsealError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnsealError';
  }
}

/** AES-256-GCM. 96 random bits of nonce: safe for 2^31 values a key, and a day's key seals far fewer. */
export function seal(
  key: KeyObject | Uint8Array,
  header: { readonly format: Format; readonly keyId: number },
  plain: Uint8Array,
  aad: Uint8Array,
  random: Random,
): Sealed {
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(aad);
  const start = HEADER_BYTES + NONCE_BYTES;
  // One piece of memory, filled in place: a session seals four values, and five small buffers for each cost as much as the
  // cipher. GCM gives every byte at once, so that `final` has none left.
  const sealed = Buffer.allocUnsafe(start + plain.length + TAG_BYTES);
  sealed[0] = header.format;
  sealed.writeUInt32BE(header.keyId, 1);
  sealed.set(nonce, HEADER_BYTES);
  sealed.set(cipher.update(plain), start);
  cipher.final();
  sealed.set(cipher.getAuthTag(), start + plain.length);
  return sealed;
}

/** @throws UnsealError */
export function readHeader(sealed: Sealed): { readonly format: Format; readonly keyId: number } {
  const format = sealed[0];
  const known = format === Format.DataKey || format === Format.ParticipantKey;
  if (sealed.length < HEADER_BYTES + NONCE_BYTES + TAG_BYTES || !known) {
    throw new UnsealError('The sealed value has an unknown format.');
  }
  return { format, keyId: new DataView(sealed.buffer, sealed.byteOffset).getUint32(1) };
}

/** @throws UnsealError */
export function open(key: KeyObject | Uint8Array, sealed: Sealed, aad: Uint8Array): Uint8Array {
  readHeader(sealed);
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
