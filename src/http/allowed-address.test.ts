import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiKey, hashApiKey } from '../privacy/api-key.ts';
import { isAllowedAddress } from './allowed-address.ts';
import { createRealApp, type RealApp } from './testing/real-app.ts';
import { createTestServer } from './testing/test-server.ts';

test.each([
  ['203.0.113.7', [], true],
  ['203.0.113.7', ['203.0.113.7'], true],
  ['203.0.113.8', ['203.0.113.7'], false],
  ['203.0.113.8', ['198.51.100.0/24', '203.0.113.0/29'], false],
  ['203.0.113.7', ['203.0.113.0/29'], true],
  ['::ffff:203.0.113.7', ['203.0.113.0/29'], true],
  ['2001:db8::7', ['2001:db8::/32'], true],
  ['2001:db9::7', ['2001:db8::/32'], false],
  ['2001:db8::7', ['203.0.113.0/24'], false],
  ['unknown', ['0.0.0.0/0', '::/0'], false],
] as const)('%s under %j is %s', (address, allowed, verdict) => {
  expect(isAllowedAddress(address, allowed)).toBe(verdict);
});

describe('a key with addresses', () => {
  let real: RealApp;
  let key: string;
  beforeAll(async () => {
    real = await createRealApp();
    key = createApiKey(real.app.random);
    const row = {
      tenant: 'acme',
      id: 'key_office',
      name: 'office',
      scopes: ['pools:read'],
      expiresAt: null,
      revokedAt: null,
    };
    const allowedAddresses = ['203.0.113.9/29', '2001:db8::/32'];
    await real.app.storage.run('acme', ({ apiKeys }) =>
      apiKeys.insert({ ...row, hash: hashApiKey(key), allowedAddresses }, real.clock.now()),
    );
  });
  afterAll(() => real.close());

  test('works from there, and elsewhere is told like a key that is not known', async () => {
    const { http } = createTestServer(real.app, { trustedProxies: ['127.0.0.1'] });
    const ask = (address: string, given = key) =>
      http.inject({
        url: '/v1/pools',
        headers: { authorization: `Bearer ${given}`, 'x-forwarded-for': address },
      });
    expect((await ask('203.0.113.10')).statusCode).toBe(200);
    expect((await ask('2001:db8::1')).statusCode).toBe(200);
    const refused = await ask('203.0.113.1');
    const unknown = await ask('203.0.113.10', createApiKey(real.app.random));
    expect(refused.statusCode).toBe(401);
    expect(refused.body).toBe(unknown.body);
    const [row] = await real.app.storage.run('acme', ({ apiKeys }) => apiKeys.list());
    expect(row).toMatchObject({
      lastUsedAt: real.clock.now(),
      allowedAddresses: ['203.0.113.8/29', '2001:db8::/32'],
    });
  });

  test('an address that the client itself claims does not count without a trusted proxy', async () => {
    const { http } = createTestServer(real.app);
    const headers = { authorization: `Bearer ${key}`, 'x-forwarded-for': '203.0.113.10' };
    expect((await http.inject({ url: '/v1/pools', headers })).statusCode).toBe(401);
  });

  test('that is revoked is refused 5 s later', async () => {
    const other = await real.createKey();
    const { http } = createTestServer(real.app);
    const status = async () =>
      (await http.inject({ url: '/v1/pools', headers: { authorization: `Bearer ${other}` } })).statusCode;
    expect(await status()).toBe(200);
    const rows = await real.app.storage.run('acme', ({ apiKeys }) => apiKeys.list());
    for (const { id } of rows.filter((row) => row.id !== 'key_office')) {
      await real.app.storage.run('acme', ({ apiKeys }) => apiKeys.revoke(id, real.clock.now()));
    }
    real.clock.advance(5_000);
    expect(await status()).toBe(401);
  });
});
