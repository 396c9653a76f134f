import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ProviderError } from '../../providers/provider.ts';
import { StorageError } from '../../storage/storage-error.ts';
import { SIGNATURE_HEADER } from '../testing/fake-provider.ts';
import { CUSTOMER, DRIVER } from '../testing/springfield.ts';
import { createTestServer, PUBLIC_URL } from '../testing/test-server.ts';
import { createWebhookTown, NEUTRAL, PATH, type WebhookTown } from '../testing/webhook-town.ts';

let s: WebhookTown;

beforeAll(async () => {
  s = await createWebhookTown();
});
afterAll(() => s.close());
beforeEach(() => s.renewProvider());

describe('an answer webhook', () => {
  test('of a participant is answered with whom to connect and what to show', async () => {
    const answer = await s.deliver(`${PATH}/answer`, { id: s.callId, from: CUSTOMER, to: s.shown.driver });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/vnd.fake+xml');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(JSON.parse(answer.body)).toEqual({ connect: DRIVER, show: s.shown.customer });
  });

  test('asked many times at once gets the same bytes, and is one call', async () => {
    const body = { id: s.callId, from: CUSTOMER, to: s.shown.driver };
    const answers = await Promise.all(Array.from({ length: 8 }, () => s.deliver(`${PATH}/answer`, body)));
    expect(new Set(answers.map((answer) => answer.body)).size).toBe(1);
    const listed = (await s.ask(s.key, 'GET', '/v1/calls?limit=200')).json().data;
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
    const answer = await s.deliver(`${PATH}/answer`, { id: s.callId, to: s.shown.driver, ...change });
    expect([answer.statusCode, JSON.parse(answer.body)]).toEqual([200, NEUTRAL]);
  });

  test.each([
    ['cannot be read', 'this is no JSON', 'warn'],
    ['says nothing that we know', { ignore: true }, null],
    ['trips over a bug', { crash: true }, 'error'],
  ])('that %s is answered with the neutral sentence all the same', async (_what, body, level) => {
    s.logLines.length = 0;
    const answer = await s.deliver(`${PATH}/answer`, body);
    expect([answer.statusCode, JSON.parse(answer.body)]).toEqual([200, NEUTRAL]);
    const levels = s.logLines.map((line) => JSON.parse(line).level).filter((word) => word !== 'debug');
    expect(levels).toEqual(level === null ? [] : [level]);
  });

  test('is answered with the neutral sentence while storage is gone', async () => {
    const app = {
      ...s.app,
      storage: {
        ...s.app.storage,
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
      payload: JSON.stringify({ id: s.callId, from: CUSTOMER, to: s.shown.driver }),
    });
    expect([answer.statusCode, JSON.parse(answer.body)]).toEqual([200, NEUTRAL]);
  });

  test('reaches the adapter raw: bytes, type, headers and URL as the provider sent them', async () => {
    const path = `${PATH}/answer?From=%2B1202&From=2&empty=`;
    const payload = Buffer.from([0xff, 0x00, 0x7b, 0x7d]);
    await s.http.inject({
      method: 'POST',
      url: path,
      headers: {
        [SIGNATURE_HEADER]: 'x',
        'content-type': 'application/x-www-form-urlencoded; charset=latin1',
      },
      payload,
    });
    const [seen] = s.provider.requests;
    expect(Buffer.from(seen?.rawBody ?? [])).toEqual(payload);
    expect(seen?.url).toBe(PUBLIC_URL + path);
    expect(seen?.method).toBe('POST');
    expect(seen?.headers['content-type']).toBe('application/x-www-form-urlencoded; charset=latin1');
  });

  test.each([{}, { 'content-type': 'application/json; charset=utf-8' }, { 'content-type': 'text/xml' }])(
    'reaches the adapter with the headers %j',
    async (headers) => {
      await s.http.inject({
        method: 'POST',
        url: `${PATH}/answer`,
        headers,
        payload: Buffer.from('{}'),
      });
      expect(s.provider.requests).toHaveLength(1);
    },
  );

  test('may be a GET', async () => {
    const answer = await s.deliver(`${PATH}/answer`, undefined, { method: 'GET' });
    expect(answer.statusCode).toBe(200);
    expect(s.provider.requests[0]?.rawBody).toHaveLength(0);
  });

  test('of more than 64 kB is refused unread', async () => {
    const answer = await s.deliver(`${PATH}/answer`, 'x'.repeat(64 * 1024 + 1));
    expect(answer.statusCode).toBe(413);
    expect(s.provider.requests).toHaveLength(0);
  });
});

describe('a provider that must be told by a command', () => {
  const refusedCommands = () =>
    s.app.metrics.registry.getSingleMetricAsString('maskline_provider_commands_refused_total');
  const body = () => ({ id: s.callId, from: CUSTOMER, to: s.shown.driver });

  test('gets the command before the acknowledgement', async () => {
    s.provider.byCommand();
    const answer = await s.deliver(`${PATH}/answer`, body());
    expect([answer.statusCode, JSON.parse(answer.body)]).toEqual([200, { accepted: true }]);
    expect(s.provider.commands).toEqual([[s.callId, { connect: DRIVER, show: s.shown.customer }]]);
  });

  test.each(['unavailable', 'rate_limited'] as const)(
    'asks again when the command failed: %s',
    async (code) => {
      s.provider.byCommand(new ProviderError(code, 'Not now.'));
      const failed = await s.deliver(`${PATH}/answer`, body());
      expect(failed.statusCode).toBe(503);
      s.provider.byCommand();
      const again = await s.deliver(`${PATH}/answer`, body());
      expect(again.statusCode).toBe(200);
      expect(s.provider.commands).toEqual([[s.callId, { connect: DRIVER, show: s.shown.customer }]]);
    },
  );

  test('is acknowledged when it refuses for good, and somebody is told', async () => {
    s.logLines.length = 0;
    s.provider.byCommand(new ProviderError('refused', 'No balance.'));
    expect((await s.deliver(`${PATH}/answer`, body())).statusCode).toBe(200);
    expect(s.logLines.join('')).toContain('"level":"error"');
    expect(await refusedCommands()).toContain('{account="simulator",code="refused"} 1');
  });

  test('refuses a text to somebody who has said STOP, which is counted and no error', async () => {
    s.logLines.length = 0;
    s.provider.byCommand(new ProviderError('opted_out', 'They said STOP.'));
    const answer = await s.deliver(`${PATH}/message`, { ...body(), text: 'Here.' });
    expect([answer.statusCode, JSON.parse(answer.body)]).toEqual([200, { accepted: true }]);
    expect(s.logLines.join('')).toContain('has said STOP');
    expect(s.logLines.join('')).not.toMatch(/"level":"(?:warn|error)"/);
    expect(await refusedCommands()).toContain('code="opted_out"} 1');
  });

  test('has a second and a half to accept it', async () => {
    const asked = s.provider.byCommand('never');
    const answering = s.deliver(`${PATH}/answer`, body());
    await asked;
    s.clock.advance(1_499);
    expect(s.provider.aborted).toBe(false);
    s.clock.advance(1);
    expect((await answering).statusCode).toBe(503);
  });

  test('gets a text by a command as well', async () => {
    s.provider.byCommand();
    const answer = await s.deliver(`${PATH}/message`, { ...body(), text: 'Here.' });
    expect(JSON.parse(answer.body)).toEqual({ accepted: true });
    expect(s.provider.commands).toEqual([[s.callId, { to: DRIVER, from: s.shown.customer, text: 'Here.' }]]);
  });

  test('gets no command for a text that is dropped', async () => {
    s.provider.byCommand();
    await s.deliver(`${PATH}/message`, { ...body(), from: '+12025550199', text: 'Here.' });
    expect(s.provider.commands).toEqual([]);
  });
});
