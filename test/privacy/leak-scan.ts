import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ENCODINGS } from './encodings.ts';

/** Something that a run left behind. */
export interface Remains {
  /** the log, a file, a table … */
  readonly place: string;
  readonly bytes: Uint8Array;
}

export interface Leak {
  readonly place: string;
  readonly encoding: string;
  readonly offset: number;
  /** the number masked: a report of a leak should not be one */
  readonly canary: string;
}

interface Pattern {
  readonly bytes: Buffer;
  readonly encoding: string;
  readonly canary: string;
}

const TAIL_BYTES = 4;
const TABLE_BITS = 20;
const LEAKS_MAXIMUM = 50;

/**
 * Finds any of many byte patterns in one pass: the last four bytes of each are hashed into a table, which tells
 * nearly all positions of a large file apart at once. Forty numbers are some 1,500 patterns, and looking for
 * them one by one in the files of a database would take minutes.
 */
export class LeakScan {
  readonly #patterns = new Map<number, Pattern[]>();
  readonly #table = new Uint8Array(2 ** TABLE_BITS);

  constructor(canaries: readonly string[]) {
    for (const canary of canaries) {
      for (const { name, encode } of ENCODINGS) {
        for (const bytes of encode(canary)) {
          this.#add({ bytes: Buffer.from(bytes), encoding: name, canary: `…${canary.slice(-3)}` });
        }
      }
    }
  }

  #add(pattern: Pattern): void {
    const tail = pattern.bytes.readUInt32LE(pattern.bytes.length - TAIL_BYTES);
    this.#table[slotOf(tail)] = 1;
    this.#patterns.set(tail, [...(this.#patterns.get(tail) ?? []), pattern]);
  }

  search(remains: Iterable<Remains>): Leak[] {
    const leaks: Leak[] = [];
    for (const { place, bytes } of remains) {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (const leak of this.#searchOne(buffer)) {
        leaks.push({ place, ...leak });
        if (leaks.length >= LEAKS_MAXIMUM) return leaks;
      }
    }
    return leaks;
  }

  *#searchOne(buffer: Buffer): Generator<Omit<Leak, 'place'>> {
    let tail = 0;
    for (let i = 0; i < buffer.length; i++) {
      tail = ((tail >>> 8) | ((buffer[i] as number) << 24)) >>> 0;
      if (i < TAIL_BYTES - 1 || this.#table[slotOf(tail)] === 0) continue;
      for (const { bytes, encoding, canary } of this.#patterns.get(tail) ?? []) {
        const from = i + 1 - bytes.length;
        if (from >= 0 && buffer.compare(bytes, 0, bytes.length, from, i + 1) === 0) {
          yield { encoding, canary, offset: from };
        }
      }
    }
  }
}

function slotOf(tail: number): number {
  return Math.imul(tail, 0x9e3779b1) >>> (32 - TABLE_BITS);
}

/** Every file below a directory, but for those that `excluded` names. */
export function* filesOf(directory: string, excluded: (relative: string) => boolean): Generator<Remains> {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const relative = path.relative(directory, file);
    if (!excluded(relative)) yield { place: `file ${relative}`, bytes: readFileSync(file) };
  }
}
