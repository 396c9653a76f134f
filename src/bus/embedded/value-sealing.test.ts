import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../lib/random.ts';
import { createValueSealing } from './value-sealing.ts';

describe('createValueSealing', () => {
  const sealing = createValueSealing(new Uint8Array(32).fill(1), seededRandom(1));
  const value = Buffer.from('+12025550123');

  it('opens what it sealed, and never seals the same twice', () => {
    const sealed = sealing.seal(value, 'orders');
    expect(Buffer.from(sealed).includes(value)).toBe(false);
    expect(Buffer.from(sealing.open(sealed, 'orders')).equals(value)).toBe(true);
    expect(Buffer.from(sealing.seal(value, 'orders')).equals(Buffer.from(sealed))).toBe(false);
    expect(sealing.open(sealing.seal(new Uint8Array(0), 'orders'), 'orders')).toHaveLength(0);
  });

  it('refuses another topic, another key, changed bytes and bytes that are too few', () => {
    const sealed = Buffer.from(sealing.seal(value, 'orders'));
    expect(() => sealing.open(sealed, 'masking')).toThrow();
    expect(() => createValueSealing(new Uint8Array(32), seededRandom(1)).open(sealed, 'orders')).toThrow();
    for (let i = 0; i < sealed.length; i++) {
      const changed = Buffer.from(sealed);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(() => sealing.open(changed, 'orders')).toThrow();
    }
    for (let length = 0; length < 28; length++) {
      expect(() => sealing.open(sealed.subarray(0, length), 'orders')).toThrow();
    }
  });
});
