import { createHmac } from 'node:crypto';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { Exchange } from '../../../simulator/exchange/exchange.ts';
import { openStateDatabase } from '../../../simulator/exchange/state-database.ts';
import { createSimulatorApp } from '../../../simulator/http/simulator-app.ts';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { invariant } from '../../lib/assert.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { seededRandom } from '../../lib/random.ts';
import { exerciseProvider } from '../conformance.ts';
import type {
  InstructionReader,
  OperatorBench,
  ProviderBench,
  UnsignedWebhook,
  WebhookBench,
} from '../conformance-bench.ts';
import { OperatorGateway } from '../conformance-gateway.ts';
import { createSimulatorProvider } from './simulator-provider.ts';

const SECRET = 'the-secret-of-the-account-in-the-tests';
const WEBHOOK_BASE = 'https://vn.example.com:8443/hooks/simulator/0123456789abcdef';

exerciseProvider('simulator', createBench);

async function createBench(): Promise<ProviderBench> {
  const clock = new ManualClock();
  const operator = await createOperator(clock);
  const config = { baseUrl: operator.gateway.url, sharedSecret: SECRET };
  return {
    provider: createSimulatorProvider(config, { clock }),
    clock,
    webhooks: createWebhooks(clock),
    reader,
    operator,
    secrets: [SECRET],
    close: () => operator.gateway.stop(),
  };
}

/** The simulator's own exchange and routes, behind the gateway. */
async function createOperator(clock: ManualClock): Promise<OperatorBench> {
  const random = seededRandom(11);
  const log = (): void => undefined;
  const exchange = new Exchange({
    clock,
    random,
    log,
    database: openStateDatabase(null),
    account: { webhookBase: WEBHOOK_BASE, sharedSecret: SECRET },
    webhookSender: () => Promise.reject(new Error('Nobody calls here.')),
  });
  const app = createSimulatorApp({ exchange, clock, random, log });
  const gateway = await OperatorGateway.start(async ({ method, path, headers, body }) => {
    const { 'content-type': type } = headers;
    const response = await app.inject({
      method: method as 'GET',
      url: path,
      headers: typeof type === 'string' ? { 'content-type': type } : {},
      payload: body,
    });
    const contentType = response.headers['content-type'] ?? 'text/plain';
    return { status: response.statusCode, headers: { 'content-type': contentType }, body: response.body };
  });
  const notOnSale = toVirtualNumber('+12025550150');
  invariant(notOnSale, 'a number of the test does not parse');
  return {
    gateway,
    country: 'US',
    notOnSale,
    morePages: 1_203,
    sell: async (count) => {
      for (const each of exchange.numbers.search('US', count)) exchange.numbers.sell(each.virtualNumber, {});
    },
    held: async () =>
      new Map(
        exchange.numbers.list('', 10_000).held.map((held) => {
          const { answerUrl: answer, statusUrl: status, messageUrl: message } = held;
          return [held.virtualNumber, { answer, status, message }];
        }),
      ),
  };
}

/** The operator's side of simulator/README.md, written a second time. */
function createWebhooks(clock: ManualClock): WebhookBench {
  const post = (kind: string, body: object): UnsignedWebhook => ({
    method: 'POST',
    url: `${WEBHOOK_BASE}/${kind}?account=main`,
    headers: { 'content-type': 'application/json' },
    rawBody: new TextEncoder().encode(JSON.stringify(body)),
  });
  return {
    answer: ({ from, ...fields }) => post('answer', { ...fields, from: from ?? 'anonymous' }),
    status: ({ at, ...fields }) => post('status', { ...fields, at: new Date(at).toISOString(), sequence: 1 }),
    message: (fields) => post('message', fields),
    sign: (webhook, { secret = SECRET, at = clock.now() } = {}) => {
      const timestamp = String(Math.floor(at / 1000));
      const { pathname, search } = new URL(webhook.url);
      const signature = createHmac('sha256', secret)
        .update(`${webhook.method}\n${pathname}${search}\n${timestamp}\n`)
        .update(webhook.rawBody)
        .digest('hex');
      return {
        ...webhook,
        remoteAddress: '127.0.0.1',
        headers: {
          ...webhook.headers,
          'x-simulator-timestamp': timestamp,
          'x-simulator-signature': `v1=${signature}`,
        },
      };
    },
    proofHeaders: ['x-simulator-timestamp', 'x-simulator-signature'],
    // The origin is not signed: a proxy in front of us changes it.
    covers: new Set(['method', 'path', 'query', 'body']),
    toleranceSeconds: 300,
    terminations: ['completed', 'busy', 'no_answer', 'cancelled', 'failed', 'time_limit'],
  };
}

const Connect = Type.Object(
  {
    action: Type.Literal('connect'),
    to: Type.String(),
    callerId: Type.String(),
    ringTimeoutSeconds: Type.Integer(),
    maxCallSeconds: Type.Integer(),
  },
  { additionalProperties: false },
);

const reader: InstructionReader = {
  call: ({ body }) => {
    const read: Record<string, unknown> = JSON.parse(body);
    switch (read.action) {
      case 'connect': {
        const { to: destination, action: _, ...rest } = Value.Parse(Connect, read);
        return { kind: 'bridge', destination, ...rest };
      }
      case 'announce':
        return { kind: 'announce', text: String(read.text) };
      case 'gather':
        return { kind: 'collect_pin', digits: Number(read.digits) };
      case 'reject':
        return { kind: 'reject' };
      default:
        throw new Error('The operator knows no such action.');
    }
  },
  message: ({ body }) => {
    const read: Record<string, unknown> = JSON.parse(body);
    if (read.action === 'drop') return { kind: 'drop' };
    return {
      kind: 'relay',
      destination: String(read.to),
      sender: String(read.from),
      body: String(read.body),
    };
  },
};

describe('createSimulatorProvider', () => {
  const clock = new ManualClock();
  const config = { baseUrl: 'http://127.0.0.1:8081/', sharedSecret: SECRET };

  it('accepts the secret before the last while it is rotated, and not afterwards', () => {
    const webhooks = createWebhooks(clock);
    const request = webhooks.sign(webhooks.answer({ callId: 'call-1', from: null, to: '+12155550100' }));
    const rotated = { ...config, sharedSecret: SECRET.toUpperCase() };
    const during = createSimulatorProvider({ ...rotated, previousSharedSecret: SECRET }, { clock });
    expect(during.isAuthentic(request)).toBe(true);
    expect(createSimulatorProvider(rotated, { clock }).isAuthentic(request)).toBe(false);
  });

  it('ignores an event that it does not know, and takes an unknown end for a failure', () => {
    const provider = createSimulatorProvider(config, { clock });
    const webhooks = createWebhooks(clock);
    const status = (change: object) => {
      const body = { callId: 'call-1', event: 'ended', at: '2026-01-01T00:00:00Z', sequence: 3, ...change };
      const rawBody = new TextEncoder().encode(JSON.stringify(body));
      const webhook = webhooks.status({ callId: 'call-1', event: 'ringing', at: 0 });
      return provider.parseWebhook('status', webhooks.sign({ ...webhook, rawBody }));
    };
    expect(status({ event: 'parked' })).toMatchObject({ kind: 'ignored' });
    expect(status({ termination: 'meteorite' })).toMatchObject({
      callback: { legStatus: { termination: 'failed', durationSeconds: null, nativeCause: 'meteorite' } },
    });
    expect(() => status({ at: '2026-13-01T00:00:00Z' })).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
  });

  it('reads only what is short, UTF-8, and a number in international form', () => {
    const provider = createSimulatorProvider(config, { clock });
    const webhooks = createWebhooks(clock);
    const call = webhooks.answer({ callId: 'call-1', from: '2025550101', to: '12155550100' });
    const parse = (rawBody: Uint8Array) =>
      provider.parseWebhook('answer', webhooks.sign({ ...call, rawBody }));
    expect(parse(call.rawBody)).toMatchObject({ request: { callingNumber: null, calledNumber: null } });
    const padding = (bytes: number) => Buffer.concat([call.rawBody, Buffer.alloc(bytes, ' ')]);
    expect(parse(padding(60_000)).kind).toBe('answer');
    expect(() => parse(padding(64 * 1024))).toThrow(/longer than 65536 bytes/);
    const latin1 = Buffer.from('{"callId":"ä","from":"","to":""}', 'latin1');
    expect(() => parse(latin1)).toThrow(/UTF-8/);
  });

  it.each([
    ['no secret', { baseUrl: config.baseUrl }, 'sharedSecret'],
    ['a short secret', { ...config, sharedSecret: 'hush' }, 'sharedSecret'],
    ['no address', { sharedSecret: SECRET }, 'baseUrl'],
    ['an address with a password in it', { ...config, baseUrl: 'http://me:hush@host' }, 'baseUrl'],
    ['an address of another kind', { ...config, baseUrl: 'ftp://host' }, 'baseUrl'],
    ['a misspelt option', { ...config, sharedSecrets: 'hush' }, 'additional'],
  ])('refuses to be made with %s, and says why without saying what', (_, wrong, why) => {
    const make = (): unknown => createSimulatorProvider(wrong as typeof config, { clock });
    expect(make).toThrow(why);
    expect(make).not.toThrow('hush');
  });
});

describe('the operator at its worst', () => {
  it('sells without saying so, and the list tells', async () => {
    const b = await createBench();
    const { signal } = new AbortController();
    const urls = { answer: 'http://a.example/', status: 'http://s.example/', message: 'http://m.example/' };
    const [found] = await b.provider.searchNumbers({ country: 'US', limit: 1 }, signal);
    invariant(found, 'nothing is on sale');
    await fetch(`${b.operator.gateway.url}/faults`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ loseSellAnswers: 1 }),
    });
    const purchase = b.provider.provisionNumber(found.virtualNumber, urls, signal);
    await expect(purchase).rejects.toMatchObject({ code: 'unavailable' });
    expect(await b.provider.listNumbers(signal)).toMatchObject([{ virtualNumber: found.virtualNumber }]);
    await b.close();
  });
});
