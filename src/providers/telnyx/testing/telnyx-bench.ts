import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import type { Termination } from '../../../domain/call.ts';
import { toVirtualNumber } from '../../../domain/virtual-number.ts';
import { invariant } from '../../../lib/assert.ts';
import type { Clock } from '../../../lib/clock.ts';
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
import { createTelnyxProvider } from '../telnyx-provider.ts';
import { API_KEY, TelnyxOperator, VOICE_PROFILE } from './telnyx-operator.ts';

export const WEBHOOK_BASE = 'https://vn.example.com/webhooks/telnyx/acc_1/0123456789abcdefghijkl';

/** The key of RFC 8032, section 7.1, test 1, which the published vectors use, is the account's. */
export const ACCOUNT_SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
export const SETTINGS = { outboundVoiceProfileId: VOICE_PROFILE };

export function privateKeyOf(seedHex: string): KeyObject {
  // PKCS #8 of Ed25519 is this prefix and the seed (RFC 8410).
  const der = Buffer.from(`302e020100300506032b657004220420${seedHex}`, 'hex');
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

export function publicKeyOf(seedHex: string): string {
  const jwk = createPublicKey(privateKeyOf(seedHex)).export({ format: 'jwk' });
  return Buffer.from(jwk.x ?? '', 'base64url').toString('base64');
}

export const CREDENTIALS = { apiKey: API_KEY, publicKey: publicKeyOf(ACCOUNT_SEED) };

export interface TelnyxBench extends ProviderBench {
  readonly provider: Provider & Required<Pick<Provider, 'sendMessage'>>;
  readonly clock: ManualClock;
  readonly telnyx: TelnyxOperator;
}

export async function createTelnyxBench(settings: object = {}): Promise<TelnyxBench> {
  const clock = new ManualClock();
  const telnyx = new TelnyxOperator();
  const gateway = await OperatorGateway.start(telnyx.handle);
  const account = {
    settings: { ...SETTINGS, apiUrl: `${gateway.url}/v2`, ...settings },
    credentials: CREDENTIALS,
  };
  const notOnSale = toVirtualNumber('+12125550150');
  invariant(notOnSale, 'a number of the test does not parse');
  return {
    provider: createTelnyxProvider(account, { clock }) as TelnyxBench['provider'],
    clock,
    telnyx,
    webhooks: telnyxWebhooks(clock),
    reader: telnyxReader,
    secrets: [API_KEY],
    operator: {
      gateway,
      country: 'US',
      notOnSale,
      isPurchase: ({ method, path }) => method === 'POST' && path === '/v2/number_orders',
      morePages: 530,
      sell: async (count) => {
        for (const number of telnyx.onSale.splice(0, count)) {
          telnyx.hold(number, { connection_id: '', messaging_profile_id: '' });
        }
      },
      held: async () => new Map([...telnyx.held].map(([number, held]) => [number, telnyx.urlsOf(held)])),
    },
    close: () => gateway.stop(),
  };
}

const TYPE = 'application/x-www-form-urlencoded';
export const form = (kind: string, fields: Record<string, string>): UnsignedWebhook => ({
  method: 'POST',
  url: `${WEBHOOK_BASE}/${kind}`,
  headers: { 'content-type': TYPE },
  rawBody: new TextEncoder().encode(new URLSearchParams(fields).toString()),
});
export const json = (body: object): UnsignedWebhook => ({
  method: 'POST',
  url: `${WEBHOOK_BASE}/message`,
  headers: { 'content-type': 'application/json' },
  rawBody: new TextEncoder().encode(JSON.stringify(body)),
});

const ENDS: Readonly<Record<string, readonly [status: string, cause: string]>> = {
  completed: ['completed', 'normal_clearing'],
  busy: ['busy', 'user_busy'],
  no_answer: ['no-answer', 'timeout'],
  cancelled: ['canceled', 'originator_cancel'],
  failed: ['failed', 'not_found'],
  time_limit: ['completed', 'time_limit'],
};

/** The vendor's side, from its documentation and not from the adapter. */
export const telnyxWebhooks = (clock: Clock): WebhookBench => ({
  answer: ({ callId, from, to, attestation, digits }) =>
    form('answer', {
      AccountSid: 'f5586561-8ff0-4291-a51b-c7dfe4139ff9',
      CallSid: callId,
      CallSidLegacy: callId,
      CallStatus: 'ringing',
      ConnectionId: '1234567890',
      From: from ?? 'anonymous',
      To: to,
      ...(digits !== undefined && { Digits: digits }),
      ...(attestation && { ShakenStirAttestation: attestation, ShakenStirValidated: 'true' }),
    }),
  status: (fields) => {
    const [status = '', cause] =
      fields.event === 'ended'
        ? (ENDS[fields.termination] ?? [])
        : [fields.event === 'answered' ? 'in-progress' : 'ringing'];
    return form('status', {
      AccountSid: 'f5586561-8ff0-4291-a51b-c7dfe4139ff9',
      CallSid: 'v3:callee',
      ParentCallSid: fields.callId,
      CallStatus: status,
      CallbackSource: 'call-progress-events',
      From: '+12155550150',
      To: '+12025550123',
      SequenceNumber: '1',
      Timestamp: new Date(fields.at).toISOString(),
      ...(cause && { HangupCause: cause, HangupSource: 'callee' }),
      ...(fields.event === 'ended' && { CallDuration: String(fields.durationSeconds) }),
    });
  },
  carriesAttachments: true,
  message: ({ messageId, from, to, body, picture }) =>
    json({
      data: {
        event_type: 'message.received',
        id: 'b301ed3f-1490-491f-995f-6e64e69674d4',
        occurred_at: '2026-01-01T00:00:00.000+00:00',
        payload: {
          id: messageId,
          direction: 'inbound',
          from: { carrier: '', line_type: '', phone_number: from },
          to: [{ carrier: '', line_type: '', phone_number: to, status: 'webhook_delivered' }],
          media: picture === undefined ? [] : [{ url: picture, content_type: 'image/jpeg', size: 1_000 }],
          text: body,
          type: picture === undefined ? 'SMS' : 'MMS',
          record_type: 'message',
        },
        record_type: 'event',
      },
      meta: { attempt: 1, delivered_to: `${WEBHOOK_BASE}/message` },
    }),
  sign: (webhook, { secret, at = clock.now() } = {}) => {
    // Whoever has another secret has another key.
    const seed = secret === undefined ? ACCOUNT_SEED : createHash('sha256').update(secret).digest('hex');
    const timestamp = String(Math.floor(at / 1000));
    const signed = Buffer.concat([Buffer.from(`${timestamp}|`), webhook.rawBody]);
    const proof = {
      'telnyx-timestamp': timestamp,
      'telnyx-signature-ed25519': sign(null, signed, privateKeyOf(seed)).toString('base64'),
    };
    return { ...webhook, remoteAddress: '192.0.2.7', headers: { ...webhook.headers, ...proof } };
  },
  proofHeaders: ['telnyx-timestamp', 'telnyx-signature-ed25519'],
  // Time and body are signed; method and query are pinned, because ours are always the same.
  covers: new Set(['method', 'query', 'body']),
  toleranceSeconds: 300,
  terminations: Object.keys(ENDS) as Termination[],
});

/** The attributes that the TeXML reference knows, of the elements that we use. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  Response: [],
  Dial: [
    'callerId',
    'timeout',
    'timeLimit',
    'record',
    'recordingStatusCallback',
    'recordingStatusCallbackMethod',
  ],
  Number: ['statusCallback', 'statusCallbackMethod', 'statusCallbackEvent'],
  Say: ['language'],
  Gather: ['action', 'method', 'input', 'numDigits', 'timeout', 'finishOnKey'],
  Hangup: [],
  Reject: ['reason'],
};

export const telnyxReader: InstructionReader = {
  callSeconds: { minimum: 60, maximum: 14_400 },
  call: ({ status, contentType, body }) => {
    if (status !== 200 || !contentType.startsWith('application/xml'))
      throw new Error('Telnyx reads XML only.');
    const root = readXml(body);
    checkKnown(root);
    const [first, second, ...more] = root.elements;
    if (root.name !== 'Response' || !first || more.length > 0)
      throw new Error('One instruction is expected.');
    if (first.name === 'Dial' && !second) return readDial(first);
    if (first.name === 'Reject' && !second) return { kind: 'reject' };
    if (second?.name !== 'Hangup') throw new Error('The call would go on.');
    if (first.name === 'Say') return { kind: 'announce', text: first.text };
    if (first.name === 'Gather') return { kind: 'collect_pin', digits: Number(first.attributes.numDigits) };
    throw new Error(`Telnyx knows no ${first.name} here.`);
  },
  message: ({ status, body }) => {
    if (status !== 200 || body !== '{}') throw new Error('Telnyx would deliver the text again.');
    return { kind: 'drop' };
  },
};

function checkKnown({ name, attributes, elements }: ReadElement): void {
  for (const attribute of Object.keys(attributes)) {
    if (!KNOWN[name]?.includes(attribute)) throw new Error(`TeXML knows no ${attribute} of ${name}.`);
  }
  for (const each of elements) checkKnown(each);
}

function readDial({ attributes, elements: [number, ...more] }: ReadElement): CallReading {
  if (number?.name !== 'Number' || more.length > 0) throw new Error('Exactly one number must be dialled.');
  if (number.attributes.statusCallbackEvent !== 'ringing answered completed')
    throw new Error('Nobody would know.');
  const [timeout, timeLimit] = [Number(attributes.timeout), Number(attributes.timeLimit)];
  if (timeout < 5 || timeout > 120 || timeLimit < 60 || timeLimit > 14_400) throw new Error('Out of limits.');
  return {
    kind: 'bridge',
    destination: number.text,
    callerId: attributes.callerId ?? '',
    ringTimeoutSeconds: timeout,
    maxCallSeconds: timeLimit,
  };
}
