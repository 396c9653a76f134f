import twilio from 'twilio';
import { ManualClock } from '../../../lib/manual-clock.ts';
import type {
  CallReading,
  InstructionReader,
  MessageReading,
  OperatorBench,
  ProviderBench,
  StatusFields,
  UnsignedWebhook,
  WebhookBench,
} from '../../conformance-bench.ts';
import { OperatorGateway } from '../../conformance-gateway.ts';
import { type ReadElement, readXml } from '../../testing/read-xml.ts';
import { createTwilioProvider } from '../twilio-provider.ts';
import { TwilioOperator } from './twilio-operator.ts';

export const ACCOUNT_SID = 'AC00000000000000000000000000000001';
export const AUTH_TOKEN = '0123456789abcdef0123456789abcdef';
/** Not the default port, so that a request for another one differs from it however ports are treated. */
export const WEBHOOK_BASE = 'https://vn.example.com:8443/webhooks/twilio/account-1/path-secret';

export interface TwilioBench extends ProviderBench {
  readonly twilio: TwilioOperator;
}

export async function createTwilioBench(): Promise<TwilioBench> {
  const clock = new ManualClock();
  const operator = new TwilioOperator({
    accountSid: ACCOUNT_SID,
    user: ACCOUNT_SID,
    password: AUTH_TOKEN,
    numberTypes: ['Local'],
  });
  const bench = await createOperatorBench(operator);
  const account = {
    settings: { baseUrl: bench.gateway.url },
    credentials: { accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN },
  };
  return {
    provider: createTwilioProvider(account, { clock }),
    clock,
    webhooks: createTwilioWebhooks({
      accountSid: ACCOUNT_SID,
      secret: AUTH_TOKEN,
      header: 'x-twilio-signature',
    }),
    reader: twimlReader,
    operator: bench,
    twilio: operator,
    secrets: [AUTH_TOKEN, Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64')],
    close: () => bench.gateway.stop(),
  };
}

export async function createOperatorBench(operator: TwilioOperator): Promise<OperatorBench> {
  return {
    gateway: await OperatorGateway.start(operator.answer),
    country: 'US',
    notOnSale: operator.notOnSale,
    morePages: 903,
    sell: async (count) => operator.sell(count),
    held: async () => operator.held(),
  };
}

/** Twilio's side of the webhooks; signed by Twilio's own library. */
export function createTwilioWebhooks(options: {
  readonly accountSid: string;
  readonly secret: string;
  readonly header: string;
  /** where the account's webhooks are, without the kind */
  readonly base?: string;
}): WebhookBench {
  const { accountSid, secret: ownSecret, header, base = WEBHOOK_BASE } = options;
  const post = (kind: string, fields: Record<string, string | undefined>): UnsignedWebhook =>
    formWebhook(`${base}/${kind}`, { AccountSid: accountSid, ApiVersion: '2010-04-01', ...fields });
  return {
    answer: ({ callId, from, to, attestation, digits }) =>
      post('answer', {
        CallSid: callId,
        From: from ?? 'anonymous',
        Caller: from ?? 'anonymous',
        To: to,
        Called: to,
        CallStatus: 'ringing',
        Direction: 'inbound',
        FromCity: 'WASHINGTON',
        StirVerstat: attestation && `TN-Validation-Passed-${attestation}`,
        Digits: digits,
      }),
    status: (fields) => post('status', statusFields(fields)),
    carriesAttachments: true,
    message: ({ messageId, from, to, body, picture }) =>
      post('message', {
        MessageSid: messageId,
        SmsSid: messageId,
        SmsMessageSid: messageId,
        From: from,
        To: to,
        Body: body,
        ...(picture === undefined
          ? { NumMedia: '0' }
          : { NumMedia: '1', MediaUrl0: picture, MediaContentType0: 'image/jpeg' }),
        NumSegments: '1',
        SmsStatus: 'received',
      }),
    sign: (webhook, { secret = ownSecret } = {}) => ({
      ...webhook,
      remoteAddress: '203.0.113.7',
      headers: { ...webhook.headers, [header]: signatureOf(webhook, secret) },
    }),
    proofHeaders: [header],
    covers: new Set(['method', 'origin', 'path', 'query', 'body']),
    toleranceSeconds: null,
    terminations: ['completed', 'busy', 'no_answer', 'cancelled', 'failed'],
  };
}

export function formWebhook(url: string, fields: Record<string, string | undefined>): UnsignedWebhook {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) form.append(name, value);
  return {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' },
    rawBody: Buffer.from(form.toString()),
  };
}

export function signatureOf({ url, rawBody }: UnsignedWebhook, secret: string): string {
  const fields: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of new URLSearchParams(Buffer.from(rawBody).toString('utf8'))) {
    const earlier = fields[name];
    fields[name] = earlier === undefined ? value : [...[earlier].flat(), value];
  }
  return twilio.getExpectedTwilioSignature(secret, url, fields);
}

const STATUS_WORDS = {
  completed: 'completed',
  busy: 'busy',
  no_answer: 'no-answer',
  cancelled: 'canceled',
  failed: 'failed',
  time_limit: 'completed',
  unreported: 'completed',
} as const;

/** The report of the callee's leg, which names the caller's as its parent. */
function statusFields(fields: StatusFields): Record<string, string | undefined> {
  const ended = fields.event === 'ended' ? fields : null;
  const progress = fields.event === 'ringing' ? 'ringing' : 'in-progress';
  return {
    CallSid: `${fields.callId}-callee`,
    ParentCallSid: fields.callId,
    CallStatus: ended ? STATUS_WORDS[ended.termination] : progress,
    CallDuration: ended ? String(ended.durationSeconds) : undefined,
    Duration: ended ? String(Math.ceil(ended.durationSeconds / 60)) : undefined,
    Direction: 'outbound-dial',
    From: '+12155550150',
    To: '+12025550102',
    Timestamp: new Date(fields.at).toUTCString().replace('GMT', '+0000'),
    CallbackSource: 'call-progress-events',
    SequenceNumber: '1',
  };
}

export const twimlReader: InstructionReader = {
  call: ({ body, contentType }): CallReading => {
    const [first, second, ...more] = verbsOf(body, contentType);
    if (first?.name === 'Dial' && !second) return readDial(first);
    if (first?.name === 'Say' && second?.name === 'Hangup' && more.length === 0) {
      return { kind: 'announce', text: first.text };
    }
    if (first?.name === 'Gather' && second?.name === 'Hangup') {
      return { kind: 'collect_pin', digits: Number(first.attributes.numDigits) };
    }
    if (first?.name === 'Reject' && !second) return { kind: 'reject' };
    throw new Error('Twilio would do something else with this document.');
  },
  message: ({ body, contentType }): MessageReading => {
    const [first, ...more] = verbsOf(body, contentType);
    if (!first) return { kind: 'drop' };
    if (first.name !== 'Message' || more.length > 0) throw new Error('This relays no message.');
    const { to = '', from = '' } = first.attributes;
    return { kind: 'relay', destination: to, sender: from, body: first.text };
  },
};

function readDial({ attributes, elements }: ReadElement): CallReading {
  const [number, ...more] = elements;
  if (number?.name !== 'Number' || more.length > 0) throw new Error('This dials nobody, or more than one.');
  if (attributes.answerOnBridge !== 'true')
    throw new Error('The caller is billed before the callee answers.');
  return {
    kind: 'bridge',
    destination: number.text,
    // Twilio shows the caller's number without it.
    callerId: attributes.callerId ?? 'the real number of the caller',
    ringTimeoutSeconds: Number(attributes.timeout),
    maxCallSeconds: Number(attributes.timeLimit),
  };
}

function verbsOf(body: string, contentType: string): readonly ReadElement[] {
  if (!contentType.startsWith('text/xml')) throw new Error('Twilio reads TwiML as text/xml.');
  const root = readXml(body);
  if (root.name !== 'Response') throw new Error('TwiML is a Response.');
  return root.elements;
}
