import { createHmac } from 'node:crypto';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { Exchange } from '../../../../simulator/exchange/exchange.ts';
import { openStateDatabase } from '../../../../simulator/exchange/state-database.ts';
import { createSimulatorApp } from '../../../../simulator/http/simulator-app.ts';
import { toVirtualNumber } from '../../../domain/virtual-number.ts';
import { invariant } from '../../../lib/assert.ts';
import type { Clock } from '../../../lib/clock.ts';
import { ManualClock } from '../../../lib/manual-clock.ts';
import { seededRandom } from '../../../lib/random.ts';
import type {
  InstructionReader,
  OperatorBench,
  ProviderBench,
  UnsignedWebhook,
  WebhookBench,
} from '../../conformance-bench.ts';
import { OperatorGateway } from '../../conformance-gateway.ts';
import { createSimulatorProvider } from '../simulator-provider.ts';

export const SECRET = 'the-secret-of-the-account-in-the-tests';
const WEBHOOK_BASE = 'https://vn.example.com:8443/hooks/simulator/0123456789abcdef';

export async function createSimulatorBench(): Promise<ProviderBench> {
  const clock = new ManualClock();
  const operator = await createOperator(clock);
  const config = { baseUrl: operator.gateway.url, sharedSecret: SECRET };
  return {
    provider: createSimulatorProvider(config, { clock }),
    clock,
    webhooks: createSimulatorWebhooks(clock),
    reader: simulatorReader,
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
export function createSimulatorWebhooks(clock: Clock, base = WEBHOOK_BASE): WebhookBench {
  const post = (kind: string, body: object): UnsignedWebhook => ({
    method: 'POST',
    url: `${base}/${kind}?account=main`,
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

export const simulatorReader: InstructionReader = {
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
