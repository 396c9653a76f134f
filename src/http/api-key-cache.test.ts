import { describe, expect, test } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import { seededRandom } from '../lib/random.ts';
import { createApiKey, hashApiKey } from '../privacy/api-key.ts';
import type { ApiKeyRow } from '../storage/storage.ts';
import { ApiKeyCache } from './api-key-cache.ts';

const random = seededRandom(3);
const key = createApiKey(random);

function setUp(row: ApiKeyRow | null) {
  const clock = new ManualClock();
  const state = { row, lookups: 0, failure: null as Error | null };
  const cache = new ApiKeyCache(async () => {
    state.lookups++;
    if (state.failure) throw state.failure;
    return state.row;
  }, clock);
  return { clock, state, cache };
}

function rowOf(changes: Partial<ApiKeyRow> = {}): ApiKeyRow {
  return {
    tenant: 'acme',
    id: 'key_1',
    name: 'orders',
    scopes: [],
    expiresAt: null,
    revokedAt: null,
    ...changes,
  };
}

describe('the cache of API keys', () => {
  test('asks storage once for a key that is used often', async () => {
    const { cache, state } = setUp(rowOf());
    await Promise.all(Array.from({ length: 20 }, () => cache.find(key)));
    expect(state.lookups).toBe(1);
  });

  test('refuses a revoked key within five seconds', async () => {
    const { cache, state, clock } = setUp(rowOf());
    expect(await cache.find(key)).not.toBeNull();
    state.row = rowOf({ revokedAt: clock.now() });
    clock.advance(4_999);
    expect(await cache.find(key)).toBeNull();
  });

  test('counts the seconds from the question, however long storage takes to answer', async () => {
    const clock = new ManualClock();
    let answer = (_row: ApiKeyRow | null): void => {};
    let lookups = 0;
    const cache = new ApiKeyCache(() => {
      lookups++;
      return new Promise((resolve) => {
        answer = resolve;
      });
    }, clock);
    const slow = cache.find(key);
    clock.advance(4_500);
    answer(rowOf());
    expect(await slow).not.toBeNull();
    const next = cache.find(key);
    answer(rowOf({ revokedAt: clock.now() }));
    expect(await next).toBeNull();
    expect(lookups).toBe(2);
  });

  test('refuses a key at the instant it expires, cached or not', async () => {
    const { cache, clock } = setUp(rowOf({ expiresAt: new ManualClock().now() + 1_000 }));
    expect(await cache.find(key)).not.toBeNull();
    clock.advance(1_000);
    expect(await cache.find(key)).toBeNull();
  });

  test('lets a new key in a second after it was unknown', async () => {
    const { cache, state, clock } = setUp(null);
    expect(await cache.find(key)).toBeNull();
    state.row = rowOf();
    expect(await cache.find(key)).toBeNull();
    clock.advance(1_000);
    expect(await cache.find(key)).not.toBeNull();
  });

  test('does not ask storage about a key with a wrong checksum', async () => {
    const { cache, state } = setUp(rowOf());
    expect(await cache.find(`${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`)).toBeNull();
    expect(state.lookups).toBe(0);
  });

  test('does not remember a failure', async () => {
    const { cache, state } = setUp(rowOf());
    state.failure = new Error('storage is gone');
    await expect(cache.find(key)).rejects.toThrow('storage is gone');
    state.failure = null;
    expect(await cache.find(key)).not.toBeNull();
  });

  test('forgets the oldest of too many wrong ones, so that a flood of them stays small', async () => {
    const { cache, state } = setUp(null);
    for (let i = 0; i <= 5_000; i++) await cache.find(`a-key-that-nobody-has-${i}`);
    state.lookups = 0;
    await cache.find('a-key-that-nobody-has-0');
    expect(state.lookups).toBe(1);
    await cache.find('a-key-that-nobody-has-5000');
    expect(state.lookups).toBe(1);
  });

  test('forgets the oldest of too many good ones as well', async () => {
    const { cache, state } = setUp(rowOf());
    for (let i = 0; i <= 5_000; i++) await cache.find(`a-key-of-somebody-${i}`);
    await new Promise(setImmediate);
    state.lookups = 0;
    await cache.find('a-key-of-somebody-0');
    expect(state.lookups).toBe(1);
    await cache.find('a-key-of-somebody-5000');
    expect(state.lookups).toBe(1);
  });

  test('lets no number of wrong keys wait for storage, nor drive a good one out', async () => {
    const clock = new ManualClock();
    const unanswered: (() => void)[] = [];
    let answering = true;
    const cache = new ApiKeyCache((hash) => {
      const isGood = Buffer.compare(hash, hashApiKey(key)) === 0;
      if (isGood || answering) return Promise.resolve(isGood ? rowOf() : null);
      return new Promise((resolve) => unanswered.push(() => resolve(null)));
    }, clock);
    expect(await cache.find(key)).not.toBeNull();
    // As many as are remembered, and more, one after another.
    for (let n = 0; n < 6_000; n++) expect(await cache.find(createApiKey(random))).toBeNull();
    answering = false;
    const flood = Array.from({ length: 500 }, () => cache.find(createApiKey(random)));
    const settled = Promise.allSettled(flood);
    expect(unanswered).toHaveLength(32);
    // The good one is asked for again, beside them.
    clock.advance(4_500);
    expect(await cache.find(key)).not.toBeNull();
    for (const answer of unanswered) answer();
    const outcomes = await settled;
    const limited = outcomes.filter(({ status }) => status === 'rejected');
    expect(limited).toHaveLength(500 - 32);
    expect(limited[0]).toMatchObject({ reason: { code: 'MASK_RATE_LIMITED' } });
    answering = true;
    expect(await cache.find(createApiKey(random))).toBeNull();
  });
});
