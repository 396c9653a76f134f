import { createHmac } from 'node:crypto';
import type { Termination } from '../../../domain/call.ts';
import { toVirtualNumber } from '../../../domain/virtual-number.ts';
import { invariant } from '../../../lib/assert.ts';
import { ManualClock } from '../../../lib/manual-clock.ts';
import type {
  CallReading,
  InstructionReader,
  ProviderBench,
  UnsignedWebhook,
  WebhookBench,
} from '../../conformance-bench.ts';
import { OperatorGateway } from '../../conformance-gateway.ts';
import type { Provider } from '../../provider.ts';
import { type ReadElement, readXml } from '../../testing/read-xml.ts';
import { createPlivoProvider } from '../plivo-provider.ts';
import { AUTH_ID, AUTH_TOKEN, PlivoOperator } from './plivo-operator.ts';

export const WEBHOOK_BASE = 'https://vn.example.com/webhooks/plivo/acc_1/0123456789abcdefghijkl';
export const CREDENTIALS = { authId: AUTH_ID, authToken: AUTH_TOKEN };
const NONCE = '31627761595286130198';

export interface PlivoBench extends ProviderBench {
  readonly provider: Provider & Required<Pick<Provider, 'fetchCallEnd'>>;
  readonly clock: ManualClock;
  readonly plivo: PlivoOperator;
}

export async function createPlivoBench(settings: object = {}): Promise<PlivoBench> {
  const clock = new ManualClock();
  const plivo = new PlivoOperator();
  const gateway = await OperatorGateway.start(plivo.handle);
  const account = { settings: { apiUrl: `${gateway.url}/v1`, ...settings }, credentials: CREDENTIALS };
  const notOnSale = toVirtualNumber('+12125550150');
  invariant(notOnSale, 'a number of the test does not parse');
  return {
    provider: createPlivoProvider(account, { clock }) as PlivoBench['provider'],
    clock,
    plivo,
    webhooks: plivoWebhooks,
    reader: plivoReader,
    secrets: [AUTH_TOKEN, Buffer.from(`${AUTH_ID}:${AUTH_TOKEN}`).toString('base64')],
    operator: {
      gateway,
      country: 'US',
      notOnSale,
      isPurchase: ({ method, path }) => method === 'POST' && path.includes('/PhoneNumber/'),
      morePages: 45,
      sell: async (count) => {
        for (const number of plivo.onSale.splice(0, count)) plivo.held.set(number, { applicationId: null });
      },
      held: async () => new Map([...plivo.held.keys()].map((each) => [`+${each}`, plivo.urlsOf(each)])),
    },
    close: () => gateway.stop(),
  };
}

/** Numbers as Plivo writes them. */
const digits = (number: string): string => number.replace(/^\+(?=[0-9]+$)/, '');

export const post = (kind: string, fields: Record<string, string>): UnsignedWebhook => ({
  method: 'POST',
  url: `${WEBHOOK_BASE}/${kind}`,
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  rawBody: new TextEncoder().encode(new URLSearchParams(fields).toString()),
});

const CAUSES: Readonly<Record<string, readonly [cause: string, name: string, source: string]>> = {
  completed: ['NORMAL_CLEARING', 'Normal Hangup', 'Callee'],
  busy: ['USER_BUSY', 'Busy Line', 'Carrier'],
  no_answer: ['NO_ANSWER', 'Ring Timeout Reached', 'Plivo'],
  cancelled: ['ORIGINATOR_CANCEL', 'Canceled', 'Caller'],
  failed: ['NETWORK_ERROR', 'Network Error', 'Carrier'],
};

/** The vendor's side, from its documentation and not from the adapter. */
export const plivoWebhooks: WebhookBench = {
  answer: ({ callId, from, to, attestation, digits: keyed }) =>
    post('answer', {
      CallUUID: callId,
      From: digits(from ?? 'anonymous'),
      To: digits(to),
      Direction: 'inbound',
      CallStatus: 'ringing',
      Event: keyed === undefined ? 'StartApp' : 'Redirect',
      BillRate: '0.0085',
      ...(keyed !== undefined && { Digits: keyed }),
      ...(attestation && {
        STIRVerification: attestation === 'A' ? 'Verified' : 'Not Verified',
        STIRAttestation: attestation,
      }),
    }),
  status: (fields) => {
    const { callId, event } = fields;
    const leg = { CallUUID: callId, DialALegUUID: callId, DialBLegUUID: 'b-leg', DialBLegTo: '12025550123' };
    if (event !== 'ended') {
      return post('status', { ...leg, Event: 'DialAnswer', DialAction: 'answer', DialBLegStatus: 'answer' });
    }
    const [cause = '', name = '', source = ''] = CAUSES[fields.termination] ?? [];
    return post('status', {
      ...leg,
      Event: 'DialHangup',
      DialAction: 'hangup',
      DialBLegStatus: 'hangup',
      DialBLegDuration: String(fields.durationSeconds),
      DialBLegBillDuration: '120',
      DialBLegHangupCause: cause,
      DialBLegHangupCauseName: name,
      DialBLegHangupSource: source,
      EndTime: new Date(fields.at).toISOString().slice(0, 19).replace('T', ' '),
    });
  },
  carriesAttachments: true,
  message: ({ messageId, from, to, body, picture }) =>
    post('message', {
      MessageUUID: messageId,
      From: digits(from),
      To: digits(to),
      Text: body,
      ...(picture === undefined ? { Type: 'sms' } : { Type: 'mms', Media0: picture }),
      Units: '1',
    }),
  sign: (webhook, { secret = AUTH_TOKEN } = {}) => {
    const form = [...new URLSearchParams(new TextDecoder().decode(webhook.rawBody))].sort(([a], [b]) =>
      a < b ? -1 : 1,
    );
    const signed = `${webhook.url}?${form.map(([name, value]) => name + value).join('')}.${NONCE}`;
    const signature = createHmac('sha256', secret).update(signed).digest('base64');
    const proof = { 'x-plivo-signature-v3': signature, 'x-plivo-signature-v3-nonce': NONCE };
    return { ...webhook, remoteAddress: '192.0.2.7', headers: { ...webhook.headers, ...proof } };
  },
  proofHeaders: ['x-plivo-signature-v3', 'x-plivo-signature-v3-nonce'],
  covers: new Set(['method', 'origin', 'path', 'query', 'body']),
  toleranceSeconds: null,
  progress: ['answered'],
  terminations: Object.keys(CAUSES) as Termination[],
};

/** Reads as strictly as the vendor's own builder writes. */
export const plivoReader: InstructionReader = {
  call: ({ contentType, body }) => {
    const [first, second, ...more] = response(contentType, body);
    if (!first || more.length > 0) throw new Error('The document holds something else than one instruction.');
    if (first.name === 'Dial' && !second) return readDial(first);
    if (first.name === 'Hangup' && !second && first.attributes.reason === 'rejected')
      return { kind: 'reject' };
    if (second?.name !== 'Hangup') throw new Error('The call would go on.');
    if (first.name === 'Speak') return { kind: 'announce', text: first.text };
    if (first.name === 'GetDigits')
      return { kind: 'collect_pin', digits: Number(first.attributes.numDigits) };
    throw new Error(`Plivo knows no ${first.name} here.`);
  },
  message: ({ contentType, body }) => {
    const [first, ...more] = response(contentType, body);
    if (!first) return { kind: 'drop' };
    const { src, dst } = first.attributes;
    if (first.name !== 'Message' || more.length > 0) throw new Error('Only one message may be the answer.');
    return { kind: 'relay', destination: `+${dst}`, sender: `+${src}`, body: first.text };
  },
};

function response(contentType: string, body: string): readonly ReadElement[] {
  if (!contentType.startsWith('application/xml')) throw new Error('Plivo reads XML only.');
  if (Buffer.byteLength(body) > 100_000) throw new Error('Plivo reads 100 kB at most.');
  const root = readXml(body);
  if (root.name !== 'Response') throw new Error('The root must be Response.');
  return root.elements;
}

function readDial({ attributes, elements: [number, ...more] }: ReadElement): CallReading {
  if (number?.name !== 'Number' || more.length > 0) throw new Error('Exactly one number must be dialled.');
  if (!/^[0-9]+$/.test(number.text)) throw new Error('The number is none.');
  return {
    kind: 'bridge',
    destination: `+${number.text}`,
    callerId: `+${attributes.callerId}`,
    ringTimeoutSeconds: Number(attributes.timeout),
    maxCallSeconds: Number(attributes.timeLimit),
  };
}
