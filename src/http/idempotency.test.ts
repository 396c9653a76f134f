import { describe, expect, test } from 'vitest';
import { StorageError } from '../storage/storage-error.ts';
import { createFakeApp } from './testing/fake-app.ts';
import { createTestServer } from './testing/test-server.ts';

const HOUR_MS = 3_600_000;
const named = { 'idempotency-key': 'order-4711' };

function setUp() {
  const fake = createFakeApp();
  const { ask, http } = createTestServer(fake.app);
  return { fake, http, ask, key: fake.createKey() };
}

describe('a mutation with an Idempotency-Key', () => {
  test('gets the first answer again, with its status, body and headers', async () => {
    const { ask, key, fake } = setUp();
    const first = await ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    const again = await ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    expect(first.statusCode).toBe(201);
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(again.statusCode).toBe(201);
    expect(again.body).toBe(first.body);
    expect(again.headers.location).toBe('/v1/pools/springfield');
    expect(again.headers['content-type']).toBe(first.headers['content-type']);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(fake.pools.size).toBe(1);
  });

  test('gets the first answer again when that was an error', async () => {
    const { ask, key, fake } = setUp();
    await ask(key, 'POST', '/v1/pools', { name: 'springfield' });
    const first = await ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    fake.pools.clear();
    const again = await ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    expect(first.json().code).toBe('MASK_ALREADY_EXISTS');
    expect(again.statusCode).toBe(409);
    expect(again.body).toBe(first.body);
    expect(again.headers['content-type']).toBe('application/problem+json');
    expect(again.headers['idempotency-replayed']).toBe('true');
  });

  test('gets a failure of ours again as well, because it may have had an effect', async () => {
    const { ask, key, fake } = setUp();
    fake.override.pools = {
      get: async () => {
        throw new Error('a bug');
      },
    };
    const first = await ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    delete fake.override.pools;
    const again = await ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    expect([first.statusCode, again.statusCode]).toEqual([500, 500]);
    expect(again.body).toBe(first.body);
    expect(fake.pools.size).toBe(0);
  });

  test('runs again after a dependency failed', async () => {
    const { ask, key, fake } = setUp();
    fake.override.pools = {
      get: async () => {
        throw new StorageError('timeout', 'too slow');
      },
    };
    const first = await ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    delete fake.override.pools;
    const again = await ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    expect([first.statusCode, again.statusCode]).toEqual([503, 201]);
    expect(again.headers['idempotency-replayed']).toBeUndefined();
  });

  test.each([
    ['another body', 'POST', '/v1/pools', { name: 'shelbyville' }],
    ['another spelling of the body', 'POST', '/v1/pools', { name: 'springfield', mode: 'dedicated' }],
    ['another path', 'PATCH', '/v1/pools/springfield', { name: 'springfield' }],
  ] as const)('is refused with %s', async (_what, method, url, body) => {
    const { ask, key } = setUp();
    await ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    const changed = url === '/v1/pools' ? body : { graceSeconds: 1 };
    const other = await ask(key, method, url, changed, named);
    expect(other.statusCode).toBe(422);
    expect(other.json().code).toBe('MASK_IDEMPOTENCY_MISMATCH');
  });

  test('is another request under another API key', async () => {
    const { ask, key, fake } = setUp();
    await ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    const other = await ask(fake.createKey(), 'POST', '/v1/pools', { name: 'shelbyville' }, named);
    expect(other.statusCode).toBe(201);
  });

  test('is not used up by a request that is invalid or not allowed', async () => {
    const { ask, key, fake } = setUp();
    const invalid = await ask(key, 'POST', '/v1/pools', { name: 'Springfield!' }, named);
    const forbidden = await ask(fake.createKey(['pools:read']), 'POST', '/v1/pools', { name: 'x' }, named);
    const valid = await ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    expect([invalid.statusCode, forbidden.statusCode, valid.statusCode]).toEqual([400, 403, 201]);
  });

  test('is kept for 72 hours', async () => {
    const { ask, key, fake } = setUp();
    await ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    fake.clock.advance(72 * HOUR_MS - 1);
    const within = await ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    fake.clock.advance(1);
    const after = await ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    expect(within.statusCode).toBe(201);
    expect(after.json().code).toBe('MASK_ALREADY_EXISTS');
  });

  test.each(['', ' ', 'ü', 'x'.repeat(256)])(
    'that is no visible ASCII of 1 to 255 is refused: %j',
    async (text) => {
      const { http, key } = setUp();
      const answer = await http.inject({
        method: 'POST',
        url: '/v1/pools',
        headers: { authorization: `Bearer ${key}`, 'idempotency-key': text },
        payload: { name: 'springfield' },
      });
      expect(answer.statusCode).toBe(400);
      expect(answer.json().errors[0].path).toBe('idempotency-key (header)');
    },
  );
});

describe('two twins with one Idempotency-Key', () => {
  /** A pool that is being created until the test lets it. */
  function setUpSlow() {
    const { ask, key, fake } = setUp();
    const arrived = Promise.withResolvers<void>();
    const arrivedTwice = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const inserted: string[] = [];
    fake.override.pools = {
      get: async () => null,
      insert: async (pool: { name: string }) => {
        inserted.push(pool.name);
        (inserted.length === 1 ? arrived : arrivedTwice).resolve();
        await released.promise;
      },
      stockNow: async () => ({
        inService: 0,
        idle: 0,
        allocated: 0,
        resting: 0,
        reserved: 0,
        draining: 0,
        suspended: 0,
      }),
    };
    return { ask, key, fake, arrived, arrivedTwice, released, inserted };
  }

  test('run once: the second is told to ask again, and then gets the first answer', async () => {
    const { ask, key, arrived, released, inserted } = setUpSlow();
    const first = ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    await arrived.promise;
    const twin = await ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    expect(twin.statusCode).toBe(409);
    expect(twin.json().code).toBe('MASK_IDEMPOTENCY_IN_PROGRESS');
    expect(twin.headers['retry-after']).toBe('1');
    released.resolve();
    const { body } = await first;
    const later = await ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    expect(later.body).toBe(body);
    expect(inserted).toEqual(['springfield']);
  });

  test('may run again a minute after a first run that never ended', async () => {
    const { ask, key, fake, arrived, arrivedTwice, released, inserted } = setUpSlow();
    const crashed = ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    await arrived.promise;
    fake.clock.advance(59_999);
    const early = await ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    fake.clock.advance(1);
    const later = ask(key, 'POST', '/v1/pools', { name: 'springfield' }, named);
    await arrivedTwice.promise;
    released.resolve();
    await crashed;
    expect(early.statusCode).toBe(409);
    expect((await later).statusCode).toBe(201);
    expect(inserted).toEqual(['springfield', 'springfield']);
  });
});
