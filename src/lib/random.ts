import { randomBytes } from 'node:crypto';

/** Randomness is an input, like time: the simulation replays a run from its seed. */
export interface Random {
  bytes(count: number): Uint8Array;
  /** A number in [0, 1). */
  next(): number;
}

/** Asking the system costs 7 µs however few bytes are wanted, so that they are asked for in advance. */
const STOCK_BYTES = 4_096;
const FROM_STOCK_MAXIMUM = 64;
let stock = new Uint8Array(0);
let used = 0;

function takeBytes(count: number): Uint8Array {
  if (count > FROM_STOCK_MAXIMUM) return randomBytes(count);
  if (used + count > stock.length) {
    stock = new Uint8Array(randomBytes(STOCK_BYTES));
    used = 0;
  }
  const taken = stock.slice(used, used + count);
  // What was handed out may become a key: it must not lie here for the next reader of memory.
  stock.fill(0, used, used + count);
  used += count;
  return taken;
}

export const systemRandom: Random = {
  bytes: takeBytes,
  next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
};

/**
 * A repeatable generator for tests and the simulation (mulberry32). Never use it where a secret is made:
 * its whole state is 32 bits.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(next() * 256)) };
}
