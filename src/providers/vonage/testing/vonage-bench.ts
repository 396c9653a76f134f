import { createHash, createHmac } from 'node:crypto';
import Type from 'typebox';
import { Value } from 'typebox/value';
import type { Termination } from '../../../domain/call.ts';
import { toVirtualNumber } from '../../../domain/virtual-number.ts';
import { invariant } from '../../../lib/assert.ts';
import type { Clock } from '../../../lib/clock.ts';
import { ManualClock } from '../../../lib/manual-clock.ts';
import type {
  InstructionReader,
  ProviderBench,
  UnsignedWebhook,
  WebhookBench,
} from '../../conformance-bench.ts';
import { OperatorGateway } from '../../conformance-gateway.ts';
import type { Provider } from '../../provider.ts';
import { createVonageProvider } from '../vonage-provider.ts';
import { API_KEY, API_SECRET, VonageOperator } from './vonage-operator.ts';

export const WEBHOOK_BASE = 'https://vn.example.com/webhooks/vonage/acc_1/0123456789abcdefghijkl';
export const SIGNATURE_SECRET = 'the-signature-secret-of-the-tests-000';
export const CREDENTIALS = { apiKey: API_KEY, apiSecret: API_SECRET, signatureSecret: SIGNATURE_SECRET };

export interface VonageBench extends ProviderBench {
  readonly provider: Provider & Required<Pick<Provider, 'sendMessage'>>;
  readonly vonage: VonageOperator;
}

export async function createVonageBench(settings: object = {}): Promise<VonageBench> {
  const clock = new ManualClock();
  const vonage = new VonageOperator();
  const gateway = await OperatorGateway.start(vonage.handle);
  const urls = { apiUrl: `${gateway.url}/api`, restUrl: `${gateway.url}/rest` };
  const notOnSale = toVirtualNumber('+12125550150');
  invariant(notOnSale, 'a number of the test does not parse');
  const account = { settings: { ...urls, ...settings }, credentials: CREDENTIALS };
  return {
    provider: createVonageProvider(account, { clock }) as VonageBench['provider'],
    clock,
    vonage,
    webhooks: vonageWebhooks(clock),
    reader: vonageReader,
    secrets: [API_SECRET, SIGNATURE_SECRET, Buffer.from(`${API_KEY}:${API_SECRET}`).toString('base64')],
    operator: {
      gateway,
      country: 'US',
      notOnSale,
      isPurchase: ({ path }) => path === '/rest/number/buy',
      morePages: 230,
      sell: async (count) => {
        for (const msisdn of vonage.onSale.splice(0, count)) vonage.held.set(msisdn, {});
      },
      held: async () => new Map([...vonage.held.keys()].map((each) => [`+${each}`, vonage.urlsOf(each)])),
    },
    close: () => gateway.stop(),
  };
}

const digits = (number: string): string => number.replace(/^\+(?=[0-9]+$)/, '');

export const post = (kind: string, body: object): UnsignedWebhook => ({
  method: 'POST',
  url: `${WEBHOOK_BASE}/${kind}`,
  headers: { 'content-type': 'application/json' },
  rawBody: new TextEncoder().encode(JSON.stringify(body)),
});

const STATUSES: Readonly<Record<string, readonly [status: string, detail?: string]>> = {
  completed: ['completed'],
  busy: ['busy'],
  no_answer: ['timeout'],
  cancelled: ['cancelled'],
  failed: ['failed', 'cannot_route'],
};

/** As `jsonwebtoken`, which the vendor's SDK uses, would write it. */
export function jwt(header: object, claims: object, secret: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** The vendor's side, from its documentation and not from the adapter. */
export const vonageWebhooks = (clock: Clock): WebhookBench => ({
  answer: ({ callId, from, to, digits: keyed }) =>
    post('answer', {
      from: digits(from ?? 'Restricted'),
      to: digits(to),
      uuid: 'aaaaaaaa-bbbb-cccc-dddd-0123456789ab',
      conversation_uuid: callId,
      ...(keyed !== undefined && { dtmf: { digits: keyed, timed_out: false } }),
    }),
  status: (fields) => {
    const { callId, event, at } = fields;
    const [status, detail] = event === 'ended' ? (STATUSES[fields.termination] ?? []) : [event];
    return post('status', {
      from: '12155550150',
      to: '12025550123',
      uuid: '11111111-bbbb-cccc-dddd-0123456789ab',
      conversation_uuid: callId,
      status,
      direction: 'outbound',
      timestamp: new Date(at).toISOString(),
      ...(detail && { detail }),
      ...(event === 'ended' && {
        duration: String(fields.durationSeconds),
        rate: '0.00450000',
        network: '310260',
      }),
    });
  },
  carriesAttachments: true,
  message: ({ messageId, from, to, body, picture }) =>
    post('message', {
      channel: picture === undefined ? 'sms' : 'mms',
      message_uuid: messageId,
      to: digits(to),
      from: digits(from),
      timestamp: new Date(clock.now()).toISOString(),
      text: body,
      sms: { num_messages: '1' },
      message_type: picture === undefined ? 'text' : 'image',
      ...(picture !== undefined && { image: { url: picture } }),
    }),
  sign: (webhook, { secret = SIGNATURE_SECRET, at = clock.now() } = {}) => {
    const claims = {
      iat: Math.floor(at / 1000),
      jti: 'c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5',
      iss: 'Vonage',
      payload_hash: createHash('sha256').update(webhook.rawBody).digest('hex'),
      api_key: API_KEY,
      application_id: 'aaaaaaaa-bbbb-cccc-dddd-0123456789ab',
    };
    const authorization = `Bearer ${jwt({ alg: 'HS256', typ: 'JWT' }, claims, secret)}`;
    return { ...webhook, remoteAddress: '192.0.2.7', headers: { ...webhook.headers, authorization } };
  },
  proofHeaders: ['authorization'],
  // The token covers the body alone; method and query are pinned, because ours are always the same.
  covers: new Set(['method', 'query', 'body']),
  toleranceSeconds: 300,
  terminations: Object.keys(STATUSES) as Termination[],
});

const Url = Type.String({ pattern: '^https://[^?#]+$' });
const exactly = <P extends Parameters<typeof Type.Object>[0]>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });
const Connect = exactly({
  action: Type.Literal('connect'),
  endpoint: Type.Array(
    exactly({ type: Type.Literal('phone'), number: Type.String({ pattern: '^[1-9][0-9]{6,14}$' }) }),
    { minItems: 1, maxItems: 1 },
  ),
  from: Type.String({ pattern: '^[1-9][0-9]{6,14}$' }),
  timeout: Type.Integer({ minimum: 1 }),
  limit: Type.Integer({ minimum: 1, maximum: 7_200 }),
  eventUrl: Type.Array(Url, { minItems: 1, maxItems: 1 }),
  eventMethod: Type.Literal('POST'),
});
const Talk = exactly({
  action: Type.Literal('talk'),
  text: Type.String({ minLength: 1, maxLength: 1_500 }),
  language: Type.Literal('en-US'),
  bargeIn: Type.Optional(Type.Boolean()),
});
const Input = exactly({
  action: Type.Literal('input'),
  type: Type.Array(Type.Literal('dtmf')),
  dtmf: exactly({
    maxDigits: Type.Integer({ minimum: 1, maximum: 20 }),
    timeOut: Type.Integer({ minimum: 0, maximum: 10 }),
    submitOnHash: Type.Boolean(),
  }),
  eventUrl: Type.Array(Url, { minItems: 1, maxItems: 1 }),
  eventMethod: Type.Literal('POST'),
});

/** Reads an NCCO by the rules of the NCCO reference. */
export const vonageReader: InstructionReader = {
  callSeconds: { minimum: 0, maximum: 7_200 },
  call: ({ status, contentType, body }) => {
    if (status !== 200 || !contentType.startsWith('application/json'))
      throw new Error('Vonage reads JSON only.');
    const [first, second, ...more]: unknown[] = JSON.parse(body);
    if (first === undefined) return { kind: 'reject' };
    if (more.length > 0) throw new Error('There is more than the instruction.');
    if (Value.Check(Connect, first) && second === undefined) {
      const [{ number } = { number: '' }] = first.endpoint;
      const { from, timeout: ringTimeoutSeconds, limit: maxCallSeconds } = first;
      return {
        kind: 'bridge',
        destination: `+${number}`,
        callerId: `+${from}`,
        ringTimeoutSeconds,
        maxCallSeconds,
      };
    }
    const { text } = Value.Parse(Talk, first);
    if (second === undefined) return { kind: 'announce', text };
    return { kind: 'collect_pin', digits: Value.Parse(Input, second).dtmf.maxDigits };
  },
  message: ({ status, body }) => {
    if (status !== 200 || body !== '{}') throw new Error('Vonage would deliver the text again.');
    return { kind: 'drop' };
  },
};
