import { describe, expect, test } from 'vitest';
import { StorageError } from '../storage/storage-error.ts';
import { HTTP_LIMITS } from './server.ts';
import { createFakeApp, type FakeApp } from './testing/fake-app.ts';
import { createTestServer } from './testing/test-server.ts';

/** A number that must turn up nowhere. */
const CANARY = '+12025550142';
const CANARY_DIGITS = '2025550142';

function setUp(fake: FakeApp = createFakeApp()) {
  const server = createTestServer(fake.app);
  return { fake, ...server, key: fake.createKey() };
}

describe('a request that is wrong', () => {
  test.each([
    ['malformed JSON', '{"name":', 'application/json', 400, 'MASK_INVALID_REQUEST'],
    ['JSON that is no object', '[1]', 'application/json', 400, 'MASK_INVALID_REQUEST'],
    ['null', 'null', 'application/json', 400, 'MASK_INVALID_REQUEST'],
    [
      'a field of the prototype',
      '{"name":"x","__proto__":{"a":1}}',
      'application/json',
      400,
      'MASK_INVALID_REQUEST',
    ],
    [
      'a constructor',
      '{"name":"x","constructor":{"prototype":{}}}',
      'application/json',
      400,
      'MASK_INVALID_REQUEST',
    ],
    ['an unknown field', '{"name":"x","colour":"red"}', 'application/json', 400, 'MASK_INVALID_REQUEST'],
    [
      '30,000 levels',
      '['.repeat(30_000) + ']'.repeat(30_000),
      'application/json',
      400,
      'MASK_INVALID_REQUEST',
    ],
    ['text', '{"name":"x"}', 'text/plain', 415, 'MASK_UNSUPPORTED_MEDIA_TYPE'],
    ['a form', 'name=x', 'application/x-www-form-urlencoded', 415, 'MASK_UNSUPPORTED_MEDIA_TYPE'],
    ['no type that is one', '{"name":"x"}', 'json', 415, 'MASK_UNSUPPORTED_MEDIA_TYPE'],
    ['10 MB', `"${'x'.repeat(10_000_000)}"`, 'application/json', 413, 'MASK_BODY_TOO_LARGE'],
    ['a byte too many', ' '.repeat(64 * 1024 + 1), 'application/json', 413, 'MASK_BODY_TOO_LARGE'],
  ])('with %s is answered by a problem', async (_what, payload, type, status, code) => {
    const { http, key } = setUp();
    const answer = await http.inject({
      method: 'POST',
      url: '/v1/pools',
      headers: { authorization: `Bearer ${key}`, 'content-type': type },
      payload,
    });
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toEqual({
      type: `/errors/${code}`,
      title: expect.any(String),
      status,
      code,
      detail: expect.any(String),
      ...(answer.json().errors ? { errors: expect.any(Array) } : {}),
    });
  });

  test('with bytes that are no UTF-8 is refused, not repaired', async () => {
    const { http, key } = setUp();
    const answer = await http.inject({
      method: 'POST',
      url: '/v1/pools',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      payload: Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
    });
    expect(answer.statusCode).toBe(400);
  });

  test('without a body is told what is missing', async () => {
    const { ask, key } = setUp();
    const answer = await ask(key, 'POST', '/v1/pools');
    expect(answer.json().errors).toEqual([{ path: '', message: 'must have required properties name' }]);
  });

  test.each([
    ['GET', '/'],
    ['GET', '/v1'],
    ['DELETE', '/v1/pools/x'],
    ['PUT', '/v1/pools'],
    ['HEAD', '/v1/pools'],
    ['OPTIONS', '/v1/pools'],
  ] as const)('%s %s is not there', async (method, url) => {
    const { http } = setUp();
    const answer = await http.inject({ method, url });
    expect(answer.statusCode).toBe(404);
    if (method !== 'HEAD') expect(answer.json().code).toBe('MASK_NOT_FOUND');
  });

  test.each(['/%zz', '/v1/pools/%', '/v1/pools/%c3%28'])('%s is no path', async (url) => {
    const { http, key } = setUp();
    const answer = await http.inject({ url, headers: { authorization: `Bearer ${key}` } });
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  test('never hears back what it said, and neither does the log', async () => {
    const { http, key, fake } = setUp();
    const authorization = `Bearer ${key}`;
    const bodies = [
      { name: CANARY },
      { [CANARY]: 1 },
      { name: 'x', stock: { [CANARY]: CANARY } },
      { name: 'x', countries: [CANARY] },
      { name: 'x', stock: { providerAccount: CANARY, lowWater: 0, target: 0, max: 0 } },
      CANARY,
      [CANARY],
    ].map((body) => JSON.stringify(body));
    const answers = [];
    for (const payload of [...bodies, `{"name":"${CANARY}`, `${CANARY}`]) {
      answers.push(
        await http.inject({
          method: 'POST',
          url: '/v1/pools',
          headers: { authorization, 'content-type': 'application/json', 'x-request-id': CANARY },
          payload,
        }),
      );
    }
    for (const url of [
      `/v1/pools/${CANARY}`,
      `/v1/sessions/${CANARY}`,
      `/v1/pools?limit=${CANARY}`,
      `/v1/pools?${CANARY}=1`,
      `/v1/pools?cursor=${CANARY}`,
      `/v1/virtual-numbers?state=${CANARY}`,
      `/${CANARY}`,
      `/webhooks/x/${CANARY}/${CANARY}/answer?From=${CANARY}`,
    ]) {
      answers.push(await http.inject({ url: url.replace('+', '%2B'), headers: { authorization } }));
    }
    for (const answer of answers) {
      expect(answer.statusCode).toBeGreaterThanOrEqual(400);
      expect(answer.statusCode).toBeLessThan(500);
      expect(JSON.stringify([answer.headers, answer.body])).not.toContain(CANARY_DIGITS);
    }
    expect(fake.logLines.length).toBeGreaterThanOrEqual(answers.length);
    expect(fake.logLines.join('')).not.toContain(CANARY_DIGITS);
  });
});

describe('a failure of ours', () => {
  const LEAK = `duplicate key (reference)=(x) at select * from participant where number = ${CANARY}`;

  test('is answered 500 without a word about it, and logged with everything but the number', async () => {
    const { ask, key, fake } = setUp();
    fake.override.pools = {
      list: async () => {
        throw new TypeError(LEAK);
      },
    };
    const answer = await ask(key, 'GET', '/v1/pools');
    expect(answer.statusCode).toBe(500);
    expect(answer.json().code).toBe('MASK_INTERNAL');
    expect(answer.body).not.toMatch(/select|participant|TypeError|at /);
    const line = fake.logLines.map((text) => JSON.parse(text)).find((fields) => fields.level === 'error');
    expect(line).toMatchObject({
      code: 'MASK_INTERNAL',
      route: '/v1/pools',
      error: { type: 'TypeError', message: expect.stringContaining('duplicate key') },
      requestId: answer.headers['x-request-id'],
    });
    expect(fake.logLines.join('')).not.toContain(CANARY_DIGITS);
  });

  test.each([
    ['unavailable', 503],
    ['commit_unknown', 503],
    ['timeout', 503],
    ['full', 503],
    ['constraint', 500],
    ['other', 500],
  ] as const)('of storage (%s) is answered %i', async (storageCode, status) => {
    const { ask, key, fake } = setUp();
    fake.override.pools = {
      list: async () => {
        throw new StorageError(storageCode, LEAK);
      },
    };
    const answer = await ask(key, 'GET', '/v1/pools');
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
    expect(answer.body).not.toMatch(/select|participant/);
  });
});

describe('every answer', () => {
  test.each([
    '/healthz',
    '/metrics',
    '/nowhere',
    '/v1/pools',
    '/docs',
    '/docs/static/swagger-ui.css',
    '/%zz',
  ])('to %s forbids caching, guessing and framing, and names the request', async (url) => {
    const { http } = setUp();
    const { headers } = await http.inject(url);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['x-request-id']).toMatch(/^req_/);
    expect(headers['x-powered-by']).toBeUndefined();
    expect(headers.server).toBeUndefined();
  });

  test('is logged and measured by the template of its route', async () => {
    const { ask, http, key, fake } = setUp();
    await ask(key, 'GET', '/v1/pools/springfield', undefined, { 'x-request-id': 'deploy-42' });
    await http.inject('/a-path-that-is-not-there');
    const lines = fake.logLines.map((line) => JSON.parse(line));
    expect(lines).toContainEqual(
      expect.objectContaining({
        requestId: 'deploy-42',
        method: 'GET',
        route: '/v1/pools/:name',
        status: 404,
      }),
    );
    const metrics = (await http.inject('/metrics')).body;
    expect(metrics).toMatch(
      /http_request_seconds_count\{method="GET",route="\/v1\/pools\/:name",status="404"\} 1/,
    );
    expect(metrics).toMatch(
      /http_request_seconds_count\{method="\(none\)",route="\(none\)",status="404"\} 1/,
    );
    expect(metrics + fake.logLines.join('')).not.toMatch(/springfield|a-path-that-is-not-there/);
  });
});

describe('the probes', () => {
  test('say that the service lives, and whether it can decide a call', async () => {
    const fake = createFakeApp();
    const states = [
      async () => ({ ready: true, checks: { storage: { ok: true } } }),
      async () => ({ ready: false, checks: { storage: { ok: false, detail: 'It does not answer.' } } }),
      async () => {
        throw new Error(`no route to db.internal for ${CANARY}`);
      },
    ];
    const answers = [];
    for (const ready of states) {
      const { http } = createTestServer(fake.app, { ready });
      expect((await http.inject('/healthz')).json()).toEqual({ status: 'ok' });
      answers.push(await http.inject('/readyz'));
    }
    expect(answers.map((answer) => answer.statusCode)).toEqual([200, 503, 503]);
    const { http } = createTestServer(fake.app);
    for (const url of ['/healthz', '/readyz']) {
      expect((await http.inject({ method: 'HEAD', url })).statusCode).toBe(200);
    }
    expect(answers[1]?.json()).toEqual({
      ready: false,
      checks: { storage: { ok: false, detail: 'It does not answer.' } },
    });
    expect(answers[2]?.body).not.toContain('db.internal');
  });

  test('explain an error code, and no other word', async () => {
    const { http } = setUp();
    expect((await http.inject('/errors/MASK_INVALID_NUMBER')).json()).toMatchObject({ status: 422 });
    for (const code of ['MASK_NOTHING', 'constructor', '__proto__', 'toString']) {
      expect((await http.inject(`/errors/${code}`)).statusCode).toBe(404);
    }
  });
});

test('the limits are those of the documents', () => {
  expect(HTTP_LIMITS).toMatchObject({ bodyBytes: 65_536, headerBytes: 16_384, queryParameters: 100 });
});
