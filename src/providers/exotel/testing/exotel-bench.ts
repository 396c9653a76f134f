import { ANNOUNCEMENTS } from '../../../domain/route.ts';
import { ManualClock } from '../../../lib/manual-clock.ts';
import type {
  CallReading,
  InstructionReader,
  ProviderBench,
  StatusFields,
  UnsignedWebhook,
  WebhookBench,
} from '../../conformance-bench.ts';
import { OperatorGateway } from '../../conformance-gateway.ts';
import { createExotelProvider } from '../exotel-provider.ts';
import { ExotelOperator } from './exotel-operator.ts';

export const ACCOUNT_SID = 'exampleco1';
export const CREDENTIALS = {
  accountSid: ACCOUNT_SID,
  apiKey: 'key-0123456789abcdef',
  apiToken: 'token-0123456789abcdef',
  webhookUser: 'exotel',
  webhookPassword: 'the-password-in-the-flow',
} as const;
export const VOICE_FLOW = `http://my.exotel.com/${ACCOUNT_SID}/exoml/start_voice/1001`;
export const SMS_FLOW = `http://my.exotel.com/${ACCOUNT_SID}/exoml/start_sms/1002`;
export const WEBHOOK_BASE = 'https://vn.example.com/webhooks/exotel/account-1/path-secret';
const FLOW_ASKS_AT = {
  answer: `${WEBHOOK_BASE}/answer`,
  status: `${WEBHOOK_BASE}/status`,
  message: `${WEBHOOK_BASE}/message`,
};
/** India has no zone but this one. */
const OFFSET_MS = 330 * 60_000;

export interface ExotelBench extends ProviderBench {
  readonly exotel: ExotelOperator;
}

export async function createExotelBench(): Promise<ExotelBench> {
  const clock = new ManualClock();
  const exotel = new ExotelOperator({ ...CREDENTIALS, flows: new Map([[VOICE_FLOW, FLOW_ASKS_AT]]) });
  const gateway = await OperatorGateway.start(exotel.answer);
  const settings = { baseUrl: gateway.url, voiceFlowUrl: VOICE_FLOW, smsFlowUrl: SMS_FLOW };
  const { apiKey, apiToken, webhookPassword } = CREDENTIALS;
  return {
    provider: createExotelProvider({ settings, credentials: CREDENTIALS }, { clock }),
    clock,
    exotel,
    webhooks: createExotelWebhooks(),
    reader: appletReader,
    operator: {
      gateway,
      country: 'US',
      notOnSale: exotel.notOnSale,
      morePages: 450,
      asksAt: () => FLOW_ASKS_AT,
      sell: async (count) => exotel.sell(count),
      held: async () => exotel.held(),
    },
    secrets: [apiToken, webhookPassword, Buffer.from(`${apiKey}:${apiToken}`).toString('base64')],
    close: () => gateway.stop(),
  };
}

/** Exotel's side: applets ask by GET, status callbacks are posted as JSON, and nothing is signed. */
export function createExotelWebhooks(base: string = WEBHOOK_BASE): WebhookBench {
  return {
    answer: ({ callId, from, to, digits }) =>
      get(`${base}/answer`, {
        CallSid: callId,
        CallFrom: from ?? 'anonymous',
        CallTo: to,
        Direction: 'incoming',
        Created: '2026-01-01 05:30:00',
        EndTime: '1970-01-01 05:30:00',
        DialCallDuration: '0',
        CallType: 'call-attempt',
        ...(digits !== undefined && { digits: `"${digits}"` }),
      }),
    status: (fields) => statusWebhook(`${base}/status`, fields),
    message: ({ messageId, from, to, body }) =>
      get(`${base}/message`, {
        SmsSid: messageId,
        From: from,
        To: to,
        Date: '2026-01-01 05:30:00',
        Body: body,
      }),
    sign: (webhook, { secret = CREDENTIALS.webhookPassword } = {}) => {
      const user = Buffer.from(`${CREDENTIALS.webhookUser}:${secret}`).toString('base64');
      return {
        ...webhook,
        remoteAddress: '203.0.113.7',
        headers: { ...webhook.headers, authorization: `Basic ${user}` },
      };
    },
    proofHeaders: ['authorization'],
    // A password proves who asks, and nothing about what is asked.
    covers: new Set(),
    toleranceSeconds: null,
    progress: ['answered'],
    terminations: ['completed', 'busy', 'no_answer', 'cancelled', 'failed'],
  };
}

export function get(url: string, fields: Record<string, string>): UnsignedWebhook {
  return {
    method: 'GET',
    url: `${url}?${new URLSearchParams(fields)}`,
    headers: { 'exotel-version': '1.0' },
    rawBody: new Uint8Array(),
  };
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

function statusWebhook(url: string, fields: StatusFields): UnsignedWebhook {
  const local = new Date(fields.at + OFFSET_MS).toISOString().slice(0, 19).replace('T', ' ');
  const body = {
    CallSid: fields.callId,
    DateUpdated: local,
    Direction: 'inbound',
    From: '+12025550101',
    To: '+12155550150',
    ...(fields.event === 'ended'
      ? {
          EventType: 'terminal',
          Status: STATUS_WORDS[fields.termination],
          EndTime: local,
          ConversationDuration: fields.durationSeconds,
          Legs: [{ OnCallDuration: 70, Status: 'completed' }],
        }
      : { EventType: fields.event, Status: 'in-progress', EndTime: '1970-01-01 05:30:00' }),
  };
  return {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json' },
    rawBody: Buffer.from(JSON.stringify(body)),
  };
}

/** A flow as the documentation says to build it: Connect, then a Greeting and a Hangup where nobody was dialled. */
export const appletReader: InstructionReader = {
  onlyAnnouncement: ANNOUNCEMENTS.neutral,
  call: ({ body, contentType }): CallReading => {
    if (!contentType.startsWith('application/json')) throw new Error('The applet reads application/json.');
    const read = JSON.parse(body);
    if (read.fetch_after_attempt !== false) throw new Error('The applet would ask again after the attempt.');
    const [destination, ...more]: string[] = read.destination.numbers;
    if (destination === undefined) return { kind: 'announce', text: ANNOUNCEMENTS.neutral };
    if (more.length > 0) throw new Error('The applet would dial more than one.');
    if (read.record !== (read.start_call_playback !== undefined))
      throw new Error('Recorded without consent.');
    return {
      kind: 'bridge',
      destination,
      callerId: read.outgoing_phone_number ?? 'whatever the flow was built with',
      ringTimeoutSeconds: read.max_ringing_duration,
      maxCallSeconds: read.max_conversation_duration,
    };
  },
  message: ({ body, contentType }) => {
    if (!contentType.startsWith('text/plain') || body !== '')
      throw new Error('The applet would send a reply.');
    return { kind: 'drop' };
  },
};
