import { SIMULATED_DESTINATIONS } from '../../domain/destination.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRealApp, type RealApp } from '../testing/real-app.ts';
import { createTestServer, type TestServer } from '../testing/test-server.ts';

let real: RealApp;
let key: string;
let strangerKey: string;
let ask: TestServer['ask'];

beforeAll(async () => {
  real = await createRealApp();
  key = await real.createKey();
  strangerKey = await real.createKey('globex');
  ask = createTestServer(real.app).ask;
});
afterAll(() => real.close());

const stock = { providerAccount: 'simulator', lowWater: 1, target: 2, max: 3 };

async function importNumber(virtualNumber: string, pool: string) {
  return ask(key, 'POST', '/v1/virtual-numbers', {
    virtualNumber,
    pool,
    providerAccount: 'simulator',
    capabilities: ['voice'],
  });
}

function pairOf(calling: string, called: string, virtualNumber: string) {
  return { calling, called, virtualNumber };
}

describe('a pool', () => {
  test('is created with the documented defaults, and read with its stock', async () => {
    const created = await ask(key, 'POST', '/v1/pools', { name: 'defaults' });
    expect(created.statusCode).toBe(201);
    expect(created.headers.location).toBe('/v1/pools/defaults');
    expect(created.json()).toEqual({
      name: 'defaults',
      mode: 'dedicated',
      selection: 'avoid_sticky',
      countries: [],
      numberQuarantineSeconds: 900,
      pairQuarantineSeconds: 604_800,
      graceSeconds: 0,
      sessionTtlSeconds: 14_400,
      ringTimeoutSeconds: 25,
      maxCallSeconds: 3_600,
      stock: null,
      attestation: 'ignore',
      recording: null,
      attachments: false,
      maskNumbersInMessages: false,
      stepUp: 'none',
      concurrentCallsMax: 2,
      hourlyAttemptsMax: 20,
      totalTalkSecondsMax: 7_200,
      verificationMaxAgeSeconds: null,
      // The default of the development service, which these tests have: see real-app.ts.
      destinations: SIMULATED_DESTINATIONS,
      messagesPerMinuteMax: 10,
      messagesPerDayMax: 60,
      stockNow: { inService: 0, idle: 0, allocated: 0, resting: 0, reserved: 0, draining: 0, suspended: 0 },
    });
    expect((await ask(key, 'GET', '/v1/pools/defaults')).json()).toEqual(created.json());
  });

  test('keeps everything that it is given', async () => {
    const pool = {
      name: 'full',
      mode: 'shared',
      selection: 'prefer_sticky',
      countries: ['US', 'GB'],
      numberQuarantineSeconds: 0,
      pairQuarantineSeconds: 7_776_000,
      graceSeconds: 3_600,
      sessionTtlSeconds: 86_400,
      ringTimeoutSeconds: 5,
      maxCallSeconds: 14_400,
      stock: { ...stock, fallbackAccounts: [] },
      attestation: 'require',
      recording: null,
      attachments: true,
      maskNumbersInMessages: true,
      destinations: {
        countries: ['IN'],
        types: ['mobile', 'voip'],
        pairs: [{ calling: 'IN', called: 'IN', virtualNumber: '*' }],
      },
      messagesPerMinuteMax: 3,
      messagesPerDayMax: 30,
    };
    await ask(key, 'POST', '/v1/pools', pool);
    expect((await ask(key, 'GET', '/v1/pools/full')).json()).toMatchObject(pool);
  });

  test('has its rule on destinations replaced as a whole, and refused when it is no rule', async () => {
    await ask(key, 'POST', '/v1/pools', { name: 'reaching', destinations: { countries: ['IN', 'BD'] } });
    const change = (destinations: unknown) => ask(key, 'PATCH', '/v1/pools/reaching', { destinations });
    expect((await ask(key, 'GET', '/v1/pools/reaching')).json().destinations).toEqual({
      countries: ['IN', 'BD'],
      types: ['mobile', 'fixed_line'],
      pairs: null,
    });
    expect((await change({ types: ['mobile'] })).json().destinations).toEqual({
      countries: null,
      types: ['mobile'],
      pairs: null,
    });
    for (const rule of [
      { types: ['premium_rate'] },
      { types: [] },
      { countries: ['India'] },
      { pairs: [{}] },
      null,
    ]) {
      expect((await change(rule)).statusCode).toBe(400);
    }
    expect((await ask(key, 'PATCH', '/v1/pools/reaching', { ringTimeoutSeconds: 9 })).json()).toMatchObject({
      destinations: { types: ['mobile'] },
    });
  });

  test('is changed field by field', async () => {
    await ask(key, 'POST', '/v1/pools', { name: 'changing', stock });
    const changed = await ask(key, 'PATCH', '/v1/pools/changing', { ringTimeoutSeconds: 30, stock: null });
    expect(changed.statusCode).toBe(200);
    expect(changed.json()).toMatchObject({ ringTimeoutSeconds: 30, stock: null, maxCallSeconds: 3_600 });
  });

  test.each([
    ['MASK_ALREADY_EXISTS', 409, { name: 'defaults' }],
    ['MASK_UNKNOWN_PROVIDER_ACCOUNT', 422, { name: 'x', stock: { ...stock, providerAccount: 'nobody' } }],
    ['MASK_UNKNOWN_PROVIDER_ACCOUNT', 422, { name: 'x', stock: { ...stock, fallbackAccounts: ['nobody'] } }],
    ['MASK_INVALID_REQUEST', 400, { name: 'x', stock, recording: { consent: 'Recorded.' } }],
    ['MASK_INVALID_REQUEST', 400, { name: 'x', attestation: 'always' }],
    ['MASK_INVALID_REQUEST', 400, { name: 'x', stock: { ...stock, lowWater: 9 } }],
    ['MASK_INVALID_REQUEST', 400, { name: 'x', ringTimeoutSeconds: 4 }],
    ['MASK_INVALID_REQUEST', 400, { name: 'x', ringTimeoutSeconds: 25.5 }],
    ['MASK_INVALID_REQUEST', 400, { name: 'x', countries: ['us'] }],
    ['MASK_INVALID_REQUEST', 400, { name: 'x', countries: ['US', 'US'] }],
    ['MASK_INVALID_REQUEST', 400, { name: 'x', countries: ['US', 'UK'] }],
    ['MASK_INVALID_REQUEST', 400, { name: 'x', destinations: { countries: ['*', 'UK'] } }],
    ['MASK_INVALID_REQUEST', 400, { name: 'x', destinations: { pairs: [pairOf('GB', '*', 'UK')] } }],
    ['MASK_INVALID_REQUEST', 400, { name: 'X' }],
    ['MASK_INVALID_REQUEST', 400, { name: 'x'.repeat(64) }],
    ['MASK_INVALID_REQUEST', 400, { name: 'x', tenant: 'globex' }],
  ])('is refused with %s (%i) for %j', async (code, status, body) => {
    const answer = await ask(key, 'POST', '/v1/pools', body);
    expect([answer.json().code, answer.statusCode]).toEqual([code, status]);
  });

  test('names a country that is none, and takes every one that there is', async () => {
    const sent = { countries: ['GB', 'UK'] };
    const answer = await ask(key, 'PATCH', '/v1/pools/defaults', sent);
    expect([answer.statusCode, answer.json().detail]).toEqual([400, expect.stringContaining('"UK"')]);
    const others = { countries: ['GB', 'IN', 'XK'], destinations: { pairs: [pairOf('GB', '*', 'IN')] } };
    expect((await ask(key, 'PATCH', '/v1/pools/defaults', others)).statusCode).toBe(200);
    const asBefore = { countries: [], destinations: {} };
    expect((await ask(key, 'PATCH', '/v1/pools/defaults', asBefore)).statusCode).toBe(200);
  });

  test('changes nothing when nothing is sent, and has no name to change', async () => {
    for (const body of [{}, { name: 'other' }]) {
      expect((await ask(key, 'PATCH', '/v1/pools/defaults', body)).statusCode).toBe(400);
    }
  });

  test('is not there for another tenant', async () => {
    const read = await ask(strangerKey, 'GET', '/v1/pools/defaults');
    const absent = await ask(strangerKey, 'GET', '/v1/pools/absent');
    const changed = await ask(strangerKey, 'PATCH', '/v1/pools/defaults', { graceSeconds: 1 });
    expect([read.statusCode, changed.statusCode]).toEqual([404, 404]);
    expect(read.body).toBe(absent.body);
    expect((await ask(strangerKey, 'GET', '/v1/pools')).json()).toEqual({ data: [], nextCursor: null });
  });

  test('whose name cannot be a name is not there', async () => {
    for (const name of ['Not%20A%20Name', '%2B12025550123', 'x'.repeat(90), 'x'.repeat(200)]) {
      const answer = await ask(key, 'GET', `/v1/pools/${name}`);
      expect([answer.statusCode, answer.json().code]).toEqual([404, 'MASK_NOT_FOUND']);
    }
  });

  test('is in the list, page by page', async () => {
    const first = (await ask(key, 'GET', '/v1/pools?limit=1')).json();
    const second = (await ask(key, 'GET', `/v1/pools?limit=1&cursor=${first.nextCursor}`)).json();
    expect(first.data).toHaveLength(1);
    expect(second.data).toHaveLength(1);
    expect(second.data[0].name).not.toBe(first.data[0].name);
    expect(first.data[0].stockNow).toBeDefined();
  });
});

describe('a virtual number', () => {
  beforeAll(async () => {
    await ask(key, 'POST', '/v1/pools', { name: 'east' });
    await ask(key, 'POST', '/v1/pools', { name: 'west' });
    await importNumber('+12025550180', 'east');
    await importNumber('+12025550181', 'east');
    await importNumber('+12025550182', 'west');
  });

  test('is imported into a pool, and counts there', async () => {
    const answer = await importNumber('+12025550188', 'east');
    expect(answer.statusCode).toBe(201);
    expect(answer.headers.location).toBe('/v1/virtual-numbers/+12025550188');
    expect(answer.json()).toEqual({
      virtualNumber: '+12025550188',
      pool: 'east',
      providerAccount: 'simulator',
      capabilities: ['voice'],
      state: 'in_service',
      createdAt: new Date(real.clock.now()).toISOString(),
    });
    expect((await ask(key, 'GET', '/v1/pools/east')).json().stockNow).toMatchObject({
      inService: 3,
      idle: 3,
    });
  });

  test.each([
    ['MASK_ALREADY_EXISTS', '+12025550180', 'east'],
    ['MASK_UNKNOWN_POOL', '+12025550189', 'nowhere'],
    ['MASK_INVALID_NUMBER', '2025550189', 'east'],
    ['MASK_INVALID_NUMBER', '+1 202 555 0189', 'east'],
    ['MASK_INVALID_NUMBER', '+1202555018', 'east'],
    ['MASK_INVALID_NUMBER', 'taxi', 'east'],
  ])('is refused with %s: %s into %s', async (code, virtualNumber, pool) => {
    const answer = await importNumber(virtualNumber, pool);
    expect(answer.json().code).toBe(code);
    expect(answer.body).not.toContain(virtualNumber);
  });

  test('is found by pool and by state', async () => {
    const numbersOf = async (query: string) =>
      (await ask(key, 'GET', `/v1/virtual-numbers?${query}`))
        .json()
        .data.map((row: { virtualNumber: string }) => row.virtualNumber);
    await ask(key, 'PATCH', '/v1/virtual-numbers/+12025550181', { state: 'suspended' });
    expect(await numbersOf('pool=west')).toEqual(['+12025550182']);
    expect(await numbersOf('state=suspended')).toEqual(['+12025550181']);
    expect(await numbersOf('pool=west&state=suspended')).toEqual([]);
    expect(await numbersOf('limit=200')).toHaveLength(4);
  });

  test('changes its state and its pool, with the plus written either way', async () => {
    const moved = await ask(key, 'PATCH', '/v1/virtual-numbers/%2B12025550182', { pool: 'east' });
    const back = await ask(key, 'PATCH', '/v1/virtual-numbers/+12025550182', {
      pool: 'west',
      state: 'reserved',
    });
    expect(moved.json()).toMatchObject({ pool: 'east', state: 'in_service' });
    expect(back.json()).toMatchObject({ pool: 'west', state: 'reserved' });
  });

  test('that is unknown, foreign or no number is not there', async () => {
    const change = { state: 'reserved' };
    const absent = await ask(key, 'PATCH', '/v1/virtual-numbers/+12025550199', change);
    const foreign = await ask(strangerKey, 'PATCH', '/v1/virtual-numbers/+12025550180', change);
    const word = await ask(key, 'PATCH', '/v1/virtual-numbers/taxi', change);
    expect([absent.statusCode, foreign.statusCode, word.statusCode]).toEqual([404, 404, 404]);
    expect(foreign.body).toBe(absent.body);
  });
});
