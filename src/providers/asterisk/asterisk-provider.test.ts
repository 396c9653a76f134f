import { describe, expect, it } from 'vitest';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { invariant } from '../../lib/assert.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { exerciseProvider } from '../conformance.ts';
import type {
  InstructionReader,
  ProviderBench,
  UnsignedWebhook,
  WebhookBench,
} from '../conformance-bench.ts';
import { OperatorGateway } from '../conformance-gateway.ts';
import { createAsteriskProvider, readAsteriskConfig } from './asterisk-provider.ts';

const PASSWORD = 'the password of the asterisk';
const BASE = 'https://vn.example.com/webhooks/asterisk/acc_1/0123456789abcdef';

/** What Dial() leaves in DIALSTATUS and HANGUPCAUSE. */
const ENDS: Readonly<Record<string, Record<string, string>>> = {
  completed: { dialStatus: 'ANSWER', hangupCause: '16' },
  busy: { dialStatus: 'BUSY', hangupCause: '17' },
  no_answer: { dialStatus: 'NOANSWER', hangupCause: '19' },
  cancelled: { dialStatus: 'CANCEL', hangupCause: '0' },
  failed: { dialStatus: 'CHANUNAVAIL', hangupCause: '3' },
  time_limit: { dialStatus: 'ANSWER', hangupCause: '16', timeLimit: '1' },
};

exerciseProvider('asterisk', async (): Promise<ProviderBench> => {
  const gateway = await OperatorGateway.start(() => Promise.reject(new Error('Nobody asks the switch.')));
  const notOnSale = toVirtualNumber('+12025550150');
  invariant(notOnSale, 'a number of the test does not parse');
  const nothing = async (): Promise<never> => {
    throw new Error('A switch sells nothing.');
  };
  return {
    provider: createAsteriskProvider({ password: PASSWORD }),
    clock: new ManualClock(),
    webhooks,
    reader,
    operator: { gateway, country: 'US', notOnSale, morePages: 1, sell: nothing, held: nothing },
    secrets: [PASSWORD],
    close: () => gateway.stop(),
  };
});

function post(kind: string, fields: Record<string, string>): UnsignedWebhook {
  return {
    method: 'POST',
    url: `${BASE}/${kind}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    rawBody: new TextEncoder().encode(new URLSearchParams(fields).toString()),
  };
}

const webhooks: WebhookBench = {
  answer: ({ callId, from, to, digits }) =>
    post('answer', { callId, from: from ?? '', to, ...(digits && { digits }) }),
  status: ({ at, ...rest }) => {
    const fields = { callId: rest.callId, event: rest.event, at: String(Math.floor(at / 1_000)) };
    if (rest.event !== 'ended') return post('status', fields);
    return post('status', {
      ...fields,
      ...ENDS[rest.termination],
      durationSeconds: String(rest.durationSeconds),
    });
  },
  message: ({ messageId, from, to, body }) => post('message', { callId: messageId, from, to, body }),
  sign: (webhook, { secret = PASSWORD } = {}) => ({
    ...webhook,
    remoteAddress: '192.0.2.7',
    headers: {
      ...webhook.headers,
      authorization: `Basic ${Buffer.from(`asterisk:${secret}`).toString('base64')}`,
    },
  }),
  proofHeaders: ['authorization'],
  covers: new Set(),
  toleranceSeconds: null,
  terminations: Object.keys(ENDS) as WebhookBench['terminations'],
};

/** Reads as `CURLOPT(hashcompat)=yes` does: percent signs are decoded, a plus sign stays one. */
function hash(body: string): Record<string, string> {
  return Object.fromEntries(
    body.split('&').map((pair) => pair.split('=').map(decodeURIComponent) as [string, string]),
  );
}

const reader: InstructionReader = {
  call: ({ body }) => {
    const read = hash(body);
    switch (read.action) {
      case 'connect':
        return {
          kind: 'bridge',
          destination: read.destination ?? '',
          callerId: read.callerId ?? '',
          ringTimeoutSeconds: Number(read.ringTimeoutSeconds),
          maxCallSeconds: Number(/S\((\d+)\)/.exec(read.dialOptions ?? '')?.[1]),
        };
      case 'announce':
        return { kind: 'announce', text: read.text ?? '' };
      case 'collect_pin':
        return { kind: 'collect_pin', digits: Number(read.digits) };
      case 'reject':
        return { kind: 'reject' };
      default:
        throw new Error('The dialplan knows no such action.');
    }
  },
  message: ({ body }) => {
    if (hash(body).action !== 'drop') throw new Error('Asterisk relays no texts.');
    return { kind: 'drop' };
  },
};

describe('createAsteriskProvider', () => {
  const provider = createAsteriskProvider({ password: PASSWORD });
  const urls = { answer: '', status: '', message: '' };

  it('keeps connected-line updates from both sides', () => {
    const b = { decision: 'announce', announcement: 'session_ended' } as const;
    expect(hash(provider.renderCall(b, urls).body)).toMatchObject({
      announcement: 'session_ended',
      hangupCause: '22',
    });
    expect(hash(provider.renderCall({ decision: 'reject' }, urls).body)).toEqual({
      action: 'reject',
      hangupCause: '1',
    });
  });

  it('keeps the words of the switch', () => {
    const status = post('status', {
      callId: '1',
      event: 'ended',
      at: '1767225600',
      dialStatus: 'CONGESTION',
      hangupCause: '34',
    });
    expect(provider.parseWebhook('status', webhooks.sign(status))).toMatchObject({
      callback: {
        legStatus: { termination: 'failed', nativeCause: 'CONGESTION;q850=34', durationSeconds: null },
      },
    });
    const wrong = post('status', { callId: '1', event: 'ended', at: 'now' });
    expect(() => provider.parseWebhook('status', webhooks.sign(wrong))).toThrow(/whole number/);
  });

  it('names what is wrong with a configuration, and no value', () => {
    expect(() => readAsteriskConfig({ password: 'hush' })).toThrow('/password');
    expect(() => readAsteriskConfig({ password: 'hush' })).not.toThrow('hush');
  });
});
