import { describe, expect, test } from 'vitest';
import { readApiKey } from './authenticate.ts';
import { createFakeApp } from './testing/fake-app.ts';
import { createTestServer } from './testing/test-server.ts';

function basic(pair: string): string {
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

describe('the key of a request', () => {
  test.each([
    ['Bearer abc', 'abc'],
    ['bearer   abc', 'abc'],
    [basic('switch:abc'), 'abc'],
    [basic(':a:b'), 'a:b'],
    [basic('no colon'), null],
    ['Digest abc', null],
    ['Bearer', null],
    ['Bearer a b', null],
    ['', null],
    [undefined, null],
  ])('of %j is %j', (header, key) => {
    expect(readApiKey(header)).toBe(key);
  });
});

describe('a request', () => {
  test('with a key as Bearer token or as Basic password is let in', async () => {
    const fake = createFakeApp();
    const { http } = createTestServer(fake.app);
    const key = fake.createKey();
    for (const authorization of [`Bearer ${key}`, basic(`anything:${key}`)]) {
      const answer = await http.inject({ url: '/v1/pools', headers: { authorization } });
      expect(answer.statusCode).toBe(200);
    }
  });

  test('without a key is told how to send one, in both ways', async () => {
    const fake = createFakeApp();
    const answer = await createTestServer(fake.app).ask(null, 'GET', '/v1/pools');
    expect(answer.statusCode).toBe(401);
    expect(answer.json()).toMatchObject({ code: 'MASK_UNAUTHENTICATED', status: 401 });
    expect(answer.headers['www-authenticate']).toEqual([
      'Bearer realm="maskline"',
      'Basic realm="maskline", charset="UTF-8"',
    ]);
  });

  test.each(['api_key', 'apiKey', 'access_token', 'key', 'token'])(
    'with the key as ?%s= is not let in',
    async (name) => {
      const fake = createFakeApp();
      const answer = await createTestServer(fake.app).ask(
        null,
        'GET',
        `/v1/pools?${name}=${fake.createKey()}`,
      );
      expect(answer.statusCode).toBe(401);
    },
  );

  test('with an unknown, expired or revoked key is not let in, and cannot tell which', async () => {
    const fake = createFakeApp();
    const { ask } = createTestServer(fake.app);
    const stranger = createFakeApp();
    stranger.createKey();
    const keys = [
      stranger.createKey(),
      fake.createKey(undefined, { expiresAt: fake.clock.now() }),
      fake.createKey(undefined, { revokedAt: fake.clock.now() }),
      'mask_000000000000000000000000000000000',
      'short',
    ];
    const bodies = new Set<string>();
    for (const key of keys) {
      const answer = await ask(key, 'GET', '/v1/pools');
      expect(answer.statusCode).toBe(401);
      bodies.add(answer.body);
    }
    expect(bodies.size).toBe(1);
  });

  test('is answered 503, not let in, while storage cannot tell whose key it is', async () => {
    const fake = createFakeApp();
    const { ask } = createTestServer(fake.app);
    const { StorageError } = await import('../storage/storage-error.ts');
    const key = fake.createKey();
    fake.failure = new StorageError('unavailable', 'connection refused to db.internal:5432');
    const answer = await ask(key, 'GET', '/v1/pools');
    expect(answer.statusCode).toBe(503);
    expect(answer.json().code).toBe('MASK_DEPENDENCY_UNAVAILABLE');
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.body).not.toContain('db.internal');
  });
});
