import { Buffer } from 'node:buffer';
import type { Random } from '../../../src/lib/random.ts';

/** A text id such as `ord_3f0c…`: 80 random bits after a prefix that names the kind. */
export function newId(prefix: string, random: Random): string {
  return `${prefix}_${Buffer.from(random.bytes(10)).toString('hex')}`;
}
