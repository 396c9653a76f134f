import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { importVirtualNumber } from '../../app/import-virtual-number.ts';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { ProviderError } from '../../providers/provider.ts';
import { StorageError } from '../../storage/sql/connection.ts';
import { FakeProvider, SIGNATURE_HEADER } from '../testing/fake-provider.ts';
import { ACCOUNT, createRealApp, type RealApp } from '../testing/real-app.ts';
import { createTestServer, PUBLIC_URL, type TestServer } from '../testing/test-server.ts';

const CUSTOMER = '+12025550123';
const DRIVER = '+447700900456';
const PATH = `/webhooks/fake/${ACCOUNT.id}/${ACCOUNT.pathSecret}`;
const NEUTRAL = { say: 'announcement:neutral' };

let real: RealApp;
let server: TestServer;
let provider: FakeProvider;
let key: string;
let calls = 0;
/** the numbers that stand for the customer and the driver */
let shown: { customer: string; driver: string };

beforeAll(async () => {
  real = await createRealApp();
  key = await real.createKey();
  server = createTestServer(real.app);
  await server.ask(key, 'POST', '/v1/pools', { name: 'springfield' });
  for (const text of ['+13035550150', '+13035550151']) {
    const virtualNumber = toVirtualNumber(text);
    if (virtualNumber === null) throw new Error('The test has no number.');
    const held = {
      pool: 'springfield',
      providerAccount: ACCOUNT.name,
      capabilities: ['voice', 'sms'],
    } as const;
    await importVirtualNumber(real.app, { tenant: 'acme', virtualNumber, ...held });
  }
  const opened = await server.ask(key, 'POST', '/v1/sessions', {
    pool: 'springfield',
    reference: 'order-1',
    participants: [
      { role: 'customer', realNumber: CUSTOMER },
      { role: 'driver', realNumber: DRIVER },
    ],
  });
  const [customer, driver] = opened.json().participants;
  shown = { customer: customer.virtualNumber, driver: driver.virtualNumber };
});
afterAll(() => real.close());
beforeEach(() => {
  calls++;
  provider = new FakeProvider();
  const account = real.accounts.get(ACCOUNT.id);
  if (account) real.accounts.set(ACCOUNT.id, { ...account, provider });
});

/** A webhook as the provider would send it, signed unless the test says otherwise. */
function deliver(
  path: string,
  body: unknown,
  { headers = {}, method = 'POST' }: { headers?: Record<string, string>; method?: 'GET' | 'POST' } = {},
) {
  return server.http.inject({
    method,
    url: path,
    headers: { [SIGNATURE_HEADER]: PUBLIC_URL + path, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}

async function metric(cause: string): Promise<number> {
  const { values } = await real.app.metrics.webhooksRefused.get();
  return values.find(({ labels }) => labels.cause === cause)?.value ?? 0;
}

describe('an answer webhook', () => {
  test('of a participant is answered with whom to connect and what to show', async () => {
    const answer = await deliver(`${PATH}/answer`, { id: `c-${calls}`, from: CUSTOMER, to: shown.driver });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/vnd.fake+xml');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(JSON.parse(answer.body)).toEqual({ connect: DRIVER, show: shown.customer });
  });

  test('asked many times at once gets the same bytes, and is one call', async () => {
    const body = { id: `c-${calls}`, from: CUSTOMER, to: shown.driver };
    const answers = await Promise.all(Array.from({ length: 8 }, () => deliver(`${PATH}/answer`, body)));
    expect(new Set(answers.map((answer) => answer.body)).size).toBe(1);
    const listed = (await server.ask(key, 'GET', '/v1/calls?limit=200')).json().data;
    expect(listed.filter((call: { providerCallId: string }) => call.providerCallId === body.id)).toHaveLength(
      1,
    );
  });

  test.each([
    ['a stranger', { from: '+12025550199' }],
    ['a withheld caller', { from: null }],
    ['a caller that is words', { from: 'anonymous' }],
    ['a number that nobody holds', { from: CUSTOMER, to: '+12025550111' }],
    ['a number that is none', { from: CUSTOMER, to: 'sip:taxi' }],
  ])('of %s is answered with the neutral sentence', async (_who, change) => {
    const answer = await deliver(`${PATH}/answer`, { id: `c-${calls}`, to: shown.driver, ...change });
    expect([answer.statusCode, JSON.parse(answer.body)]).toEqual([200, NEUTRAL]);
  });

  test.each([
    ['cannot be read', 'this is no JSON', 'warn'],
    ['says nothing that we know', { ignore: true }, null],
    ['trips over a bug', { crash: true }, 'error'],
  ])('that %s is answered with the neutral sentence all the same', async (_what, body, level) => {
    real.logLines.length = 0;
    const answer = await deliver(`${PATH}/answer`, body);
    expect([answer.statusCode, JSON.parse(answer.body)]).toEqual([200, NEUTRAL]);
    const levels = real.logLines.map((line) => JSON.parse(line).level).filter((word) => word !== 'info');
    expect(levels).toEqual(level === null ? [] : [level]);
  });

  test('is answered with the neutral sentence while storage is gone', async () => {
    const app = {
      ...real.app,
      storage: {
        ...real.app.storage,
        run: async () => {
          throw new StorageError('unavailable', 'gone');
        },
      },
    };
    const path = `${PATH}/answer`;
    const answer = await createTestServer(app).http.inject({
      method: 'POST',
      url: path,
      headers: { [SIGNATURE_HEADER]: PUBLIC_URL + path },
      payload: JSON.stringify({ id: `c-${calls}`, from: CUSTOMER, to: shown.driver }),
    });
    expect([answer.statusCode, JSON.parse(answer.body)]).toEqual([200, NEUTRAL]);
  });

  test('reaches the adapter raw: bytes, type, headers and URL as the provider sent them', async () => {
    const path = `${PATH}/answer?From=%2B1202&From=2&empty=`;
    const payload = Buffer.from([0xff, 0x00, 0x7b, 0x7d]);
    await server.http.inject({
      method: 'POST',
      url: path,
      headers: {
        [SIGNATURE_HEADER]: 'x',
        'content-type': 'application/x-www-form-urlencoded; charset=latin1',
      },
      payload,
    });
    const [seen] = provider.requests;
    expect(Buffer.from(seen?.rawBody ?? [])).toEqual(payload);
    expect(seen?.url).toBe(PUBLIC_URL + path);
    expect(seen?.method).toBe('POST');
    expect(seen?.headers['content-type']).toBe('application/x-www-form-urlencoded; charset=latin1');
  });

  test.each([{}, { 'content-type': 'application/json; charset=utf-8' }, { 'content-type': 'text/xml' }])(
    'reaches the adapter with the headers %j',
    async (headers) => {
      await server.http.inject({
        method: 'POST',
        url: `${PATH}/answer`,
        headers,
        payload: Buffer.from('{}'),
      });
      expect(provider.requests).toHaveLength(1);
    },
  );

  test('may be a GET', async () => {
    const answer = await deliver(`${PATH}/answer`, undefined, { method: 'GET' });
    expect(answer.statusCode).toBe(200);
    expect(provider.requests[0]?.rawBody).toHaveLength(0);
  });

  test('of more than 64 kB is refused unread', async () => {
    const answer = await deliver(`${PATH}/answer`, 'x'.repeat(64 * 1024 + 1));
    expect(answer.statusCode).toBe(413);
    expect(provider.requests).toHaveLength(0);
  });
});

describe('a provider that must be told by a command', () => {
  const body = () => ({ id: `c-${calls}`, from: CUSTOMER, to: shown.driver });

  test('gets the command before the acknowledgement', async () => {
    provider.byCommand();
    const answer = await deliver(`${PATH}/answer`, body());
    expect([answer.statusCode, JSON.parse(answer.body)]).toEqual([200, { accepted: true }]);
    expect(provider.commands).toEqual([[`c-${calls}`, { connect: DRIVER, show: shown.customer }]]);
  });

  test.each(['unavailable', 'rate_limited'] as const)(
    'asks again when the command failed: %s',
    async (code) => {
      provider.byCommand(new ProviderError(code, 'Not now.'));
      const failed = await deliver(`${PATH}/answer`, body());
      expect(failed.statusCode).toBe(503);
      provider.byCommand();
      const again = await deliver(`${PATH}/answer`, body());
      expect(again.statusCode).toBe(200);
      expect(provider.commands).toEqual([[`c-${calls}`, { connect: DRIVER, show: shown.customer }]]);
    },
  );

  test('is acknowledged when it refuses for good, and somebody is told', async () => {
    real.logLines.length = 0;
    provider.byCommand(new ProviderError('refused', 'No balance.'));
    expect((await deliver(`${PATH}/answer`, body())).statusCode).toBe(200);
    expect(real.logLines.join('')).toContain('"level":"error"');
  });

  test('has a second and a half to accept it', async () => {
    const asked = provider.byCommand('never');
    const answering = deliver(`${PATH}/answer`, body());
    await asked;
    real.clock.advance(1_499);
    expect(provider.aborted).toBe(false);
    real.clock.advance(1);
    expect((await answering).statusCode).toBe(503);
  });

  test('gets a text by a command as well', async () => {
    provider.byCommand();
    const answer = await deliver(`${PATH}/message`, { ...body(), text: 'Here.' });
    expect(JSON.parse(answer.body)).toEqual({ accepted: true });
    expect(provider.commands).toEqual([[`c-${calls}`, { to: DRIVER, from: shown.customer, text: 'Here.' }]]);
  });

  test('gets no command for a text that is dropped', async () => {
    provider.byCommand();
    await deliver(`${PATH}/message`, { ...body(), from: '+12025550199', text: 'Here.' });
    expect(provider.commands).toEqual([]);
  });
});

describe('a webhook that is not authentic', () => {
  const body = { id: 'forged', from: CUSTOMER, to: '+13035550150' };
  const forgeries = [
    ['unknown_account', `/webhooks/fake/acc_2/${ACCOUNT.pathSecret}`, {}],
    ['unknown_account', `/webhooks/fake/%00/${ACCOUNT.pathSecret}`, {}],
    ['path_secret', `/webhooks/fake/${ACCOUNT.id}/${'q'.repeat(22)}`, {}],
    ['path_secret', `/webhooks/fake/${ACCOUNT.id}/${ACCOUNT.pathSecret.slice(1)}`, {}],
    ['not_authentic', PATH, { [SIGNATURE_HEADER]: '' }],
    ['not_authentic', PATH, { [SIGNATURE_HEADER]: `${PUBLIC_URL}${PATH}/other` }],
    ['not_authentic', PATH, { [SIGNATURE_HEADER]: `http://maskline.example${PATH}/answer` }],
  ] as const;

  test.each(['answer', 'status', 'message'])('is answered the same whatever is wrong: %s', async (kind) => {
    const answers = new Set<string>();
    for (const [cause, path, headers] of forgeries) {
      const before = await metric(cause);
      const answer = await deliver(`${path}/${kind}`, body, { headers });
      expect(answer.statusCode).toBe(403);
      const { 'x-request-id': _id, date: _date, ...rest } = answer.headers;
      answers.add(JSON.stringify([rest, answer.body]));
      expect(await metric(cause)).toBe(before + 1);
    }
    expect(answers.size).toBe(1);
    expect([...answers][0]).toContain('MASK_WEBHOOK_NOT_AUTHENTIC');
  });

  test('leaves no trace of a call', async () => {
    for (const [, path, headers] of forgeries) await deliver(`${path}/answer`, body, { headers });
    const listed = await server.ask(key, 'GET', '/v1/calls?limit=200');
    expect(listed.body).not.toContain('forged');
  });

  test('is refused for an account without a secret, whatever the path says', async () => {
    const account = real.accounts.get(ACCOUNT.id);
    if (!account) throw new Error('The test has no account.');
    real.accounts.set('acc_open', { ...account, id: 'acc_open', pathSecret: '' });
    for (const path of ['/webhooks/fake/acc_open//answer', '/webhooks/fake/acc_open/x/answer']) {
      expect((await deliver(path, body)).statusCode).toBe(403);
    }
  });

  test('has its path secret in no log line and no metric', async () => {
    await deliver(`${PATH}/answer`, body, { headers: { [SIGNATURE_HEADER]: 'wrong' } });
    const metrics = (await server.http.inject('/metrics')).body;
    expect(real.logLines.join('') + metrics).not.toContain(ACCOUNT.pathSecret);
  });
});

describe('the address of a webhook', () => {
  const send = async (trustedProxies: readonly string[]) => {
    await createTestServer(real.app, { trustedProxies }).http.inject({
      method: 'POST',
      url: `${PATH}/answer`,
      remoteAddress: '10.0.0.7',
      headers: { 'x-forwarded-for': '203.0.113.9, 198.51.100.1' },
      payload: '{}',
    });
    return provider.requests.at(-1)?.remoteAddress;
  };

  test('is that of the connection', async () => {
    expect(await send([])).toBe('10.0.0.7');
    expect(await send(['192.168.0.0/16'])).toBe('10.0.0.7');
  });

  test('is what a trusted proxy says, but not what a stranger told that proxy', async () => {
    expect(await send(['10.0.0.0/8'])).toBe('198.51.100.1');
  });
});

describe('a status callback', () => {
  test('is recorded once, and acknowledged every time', async () => {
    const id = `c-${calls}`;
    await deliver(`${PATH}/answer`, { id, from: CUSTOMER, to: shown.driver });
    const at = real.clock.now() + 2_000;
    for (let i = 0; i < 2; i++) {
      const answer = await deliver(`${PATH}/status`, { id, at });
      expect([answer.statusCode, answer.body]).toEqual([200, '{}']);
    }
    const listed = (await server.ask(key, 'GET', '/v1/calls?limit=200')).json().data;
    const call = listed.find((row: { providerCallId: string }) => row.providerCallId === id);
    expect(call).toMatchObject({ state: 'ringing', ringingAt: new Date(at).toISOString() });
  });

  test('of a call that we do not know is acknowledged: asking again would not help', async () => {
    expect((await deliver(`${PATH}/status`, { id: 'unheard-of', at: 1 })).statusCode).toBe(200);
  });

  test('that cannot be read is refused, and one that says nothing is acknowledged', async () => {
    const unreadable = await deliver(`${PATH}/status`, 'no JSON');
    expect([unreadable.statusCode, unreadable.json().code]).toEqual([400, 'MASK_INVALID_REQUEST']);
    expect((await deliver(`${PATH}/status`, { ignore: true })).statusCode).toBe(200);
  });

  test('is answered 503 while storage is gone, so that the provider tries again', async () => {
    const app = {
      ...real.app,
      storage: {
        ...real.app.storage,
        transaction: async () => {
          throw new StorageError('unavailable', 'gone');
        },
      },
    };
    const path = `${PATH}/status`;
    const answer = await createTestServer(app).http.inject({
      method: 'POST',
      url: path,
      headers: { [SIGNATURE_HEADER]: PUBLIC_URL + path },
      payload: JSON.stringify({ id: 'x', at: 1 }),
    });
    expect(answer.statusCode).toBe(503);
  });
});

describe('a message webhook', () => {
  test('of a participant is answered with the text for the other, from the number of the sender', async () => {
    const body = { id: `m-${calls}`, from: CUSTOMER, to: shown.driver, text: 'I am at the door.' };
    const answer = await deliver(`${PATH}/message`, body);
    expect(JSON.parse(answer.body)).toEqual({ to: DRIVER, from: shown.customer, text: 'I am at the door.' });
    const listed = await server.ask(key, 'GET', '/v1/messages');
    expect(listed.json().data).toContainEqual(
      expect.objectContaining({
        providerMessageId: `m-${calls}`,
        sendingRole: 'customer',
        receivingRole: 'driver',
        virtualNumber: shown.driver,
        senderId: shown.customer,
        decision: 'relay',
        reason: 'ok',
      }),
    );
    expect(listed.body).not.toMatch(/door|7700900456|2025550123/);
    expect(real.logLines.join('')).not.toMatch(/door|7700900456|2025550123/);
  });

  test('of a stranger is dropped in silence', async () => {
    const answer = await deliver(`${PATH}/message`, {
      id: `m-${calls}`,
      from: '+12025550199',
      to: shown.driver,
      text: 'Hello?',
    });
    expect([answer.statusCode, answer.body]).toEqual([200, '{}']);
  });
});

test('a server without the role webhooks answers none', async () => {
  const { http } = createTestServer(real.app, { roles: { api: true, webhooks: false } });
  expect((await http.inject({ method: 'POST', url: `${PATH}/answer` })).statusCode).toBe(404);
});
