import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom, systemRandom } from '../lib/random.ts';
import { createApiKey, hashApiKey, isWellFormedApiKey } from './api-key.ts';

describe('an API key', () => {
  test('has a prefix, 27 characters of secret and 6 of checksum', () => {
    expect(createApiKey(systemRandom)).toMatch(/^mask_[0-9A-Za-z]{33}$/);
  });

  test('differs every time and is well formed', () => {
    const random = seededRandom(1);
    const keys = Array.from({ length: 500 }, () => createApiKey(random));
    expect(new Set(keys).size).toBe(500);
    expect(keys.filter(isWellFormedApiKey)).toHaveLength(500);
  });

  test('holds all of its 160 bits', () => {
    const none = createApiKey({ next: () => 0, bytes: (count) => new Uint8Array(count) });
    const all = createApiKey({ next: () => 0, bytes: (count) => new Uint8Array(count).fill(255) });
    const last = createApiKey({
      next: () => 0,
      bytes: (count) => Uint8Array.from({ length: count }, (_, i) => (i === 0 ? 255 : 0)),
    });
    expect(none.slice(5, 32)).toBe('0'.repeat(27));
    expect(new Set([none, all, last]).size).toBe(3);
  });

  test('with one character changed is not well formed', () => {
    const key = createApiKey(seededRandom(7));
    fc.assert(
      fc.property(fc.nat({ max: 32 }), fc.constantFrom(...'0Az_!'), (at, character) => {
        const changed = key.slice(0, 5 + at) + character + key.slice(6 + at);
        fc.pre(changed !== key);
        expect(isWellFormedApiKey(changed)).toBe(false);
      }),
    );
    expect(isWellFormedApiKey(key.slice(0, -1))).toBe(false);
    expect(isWellFormedApiKey(`${key}0`)).toBe(false);
  });

  test('that an operator chose needs no checksum, but 8 visible characters', () => {
    expect(isWellFormedApiKey('local-development')).toBe(true);
    expect(isWellFormedApiKey('2-short')).toBe(false);
    expect(isWellFormedApiKey('mask_mine')).toBe(true);
    expect(isWellFormedApiKey('with a space in it')).toBe(false);
    expect(isWellFormedApiKey('x'.repeat(257))).toBe(false);
  });

  test('is hashed with SHA-256', () => {
    expect(Buffer.from(hashApiKey('abc')).toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });
});
