import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Random } from '../lib/random.ts';

/** Tells people and secret scanners what they have found. */
const PREFIX = 'mask_';
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 160 bits, which 27 characters of base 62 hold. */
const SECRET_BYTES = 20;
const SECRET_CHARACTERS = 27;
/** 62^6 > 2^32 */
const CHECKSUM_CHARACTERS = 6;
const MADE_BY_US = new RegExp(`^${PREFIX}([0-9A-Za-z]{${SECRET_CHARACTERS}})([0-9A-Za-z]{6})$`);

/** Shorter than a key of ours by enough that nobody takes one for a truncated other. */
const OURS_CHARACTERS_ABOUT = 30;

/** A key that an operator chose for development: 8 to 256 visible ASCII characters. */
const CHOSEN = /^[\x21-\x7e]{8,256}$/;

/**
 * A new API key: `mask_`, 160 random bits and their CRC-32, all in base 62. The checksum tells a truncated key
 * from an unknown one without asking the database, and keeps secret scanners free of false alarms.
 */
export function createApiKey(random: Random): string {
  const secret = toBase62(
    BigInt(`0x${Buffer.from(random.bytes(SECRET_BYTES)).toString('hex')}`),
    SECRET_CHARACTERS,
  );
  return `${PREFIX}${secret}${checksumOf(secret)}`;
}

/**
 * Whether it is worth looking this key up. What begins like a key of ours and is about as long must have a right
 * checksum; anything else may be a key that an operator chose for development, and only has to be long enough.
 */
export function isWellFormedApiKey(text: string): boolean {
  if (!text.startsWith(PREFIX) || text.length < OURS_CHARACTERS_ABOUT) return CHOSEN.test(text);
  const [, secret, checksum] = MADE_BY_US.exec(text) ?? [];
  return secret !== undefined && checksum === checksumOf(secret);
}

/** SHA-256. A key has 160 random bits, so nothing is gained by a slow hash; the key itself is not kept. */
export function hashApiKey(key: string): Uint8Array {
  return createHash('sha256').update(key, 'utf8').digest();
}

function checksumOf(secret: string): string {
  return toBase62(BigInt(crc32(secret)), CHECKSUM_CHARACTERS);
}

function toBase62(value: bigint, characters: number): string {
  let text = '';
  let rest = value;
  for (let i = 0; i < characters; i++) {
    text = ALPHABET.charAt(Number(rest % 62n)) + text;
    rest /= 62n;
  }
  return text;
}
