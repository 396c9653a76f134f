import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import type { Random } from '../../lib/random.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Keeps the values of messages unreadable at rest: events that come in may carry real numbers. */
export interface ValueSealing {
  seal(value: Uint8Array, topic: string): Uint8Array;
  /** @throws when the value was sealed with another key, for another topic, or was changed */
  open(sealed: Uint8Array, topic: string): Uint8Array;
}

/**
 * AES-256-GCM under a key of its own, derived from the master key; `nonce(12) ‖ ciphertext ‖ tag(16)`, with the
 * topic authenticated. No key for each tenant here: a topic is read before anybody knows whose it is, and what
 * is in it is trimmed within days.
 *
 * @param masterKey 32 bytes
 */
export function createValueSealing(masterKey: Uint8Array, random: Random): ValueSealing {
  const key = new Uint8Array(hkdfSync('sha256', masterKey, '', 'maskline embedded bus values', KEY_BYTES));
  return {
    seal(value, topic) {
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      cipher.setAAD(Buffer.from(topic));
      return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, topic) {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(topic));
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    },
  };
}

/** For tests that look at the table. */
export const noValueSealing: ValueSealing = {
  seal: (value) => value,
  open: (sealed) => sealed,
};
