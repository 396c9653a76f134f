import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

/** Crockford's base 32: no I, L, O or U, so that an id survives being read aloud. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARACTERS = 10;
const RANDOM_CHARACTERS = 16;

/**
 * A text id such as `ses_01k9…`: a prefix that names the kind, 48 bits of milliseconds so that ids sort by
 * age, and 80 random bits. 26 characters after the prefix, the size of a ULID.
 */
export function createId(prefix: string, clock: Clock, random: Random): string {
  let time = clock.now();
  let head = '';
  for (let i = 0; i < TIME_CHARACTERS; i++) {
    head = ALPHABET.charAt(time % 32) + head;
    time = Math.floor(time / 32);
  }
  let tail = '';
  // One byte a character wastes three bits of each and keeps the mapping free of bias.
  for (const byte of random.bytes(RANDOM_CHARACTERS)) tail += ALPHABET.charAt(byte & 31);
  return `${prefix}_${head}${tail}`;
}
