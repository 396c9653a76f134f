import { createHmac } from 'node:crypto';
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
import { createJambonzProvider, readJambonzConfig } from './jambonz-provider.ts';

const SECRET = 'the webhook secret of the account';
const PASSWORD = 'the password of the application';
const BASE = 'https://vn.example.com/webhooks/jambonz/acc_1/0123456789abcdef';

const ENDS: Readonly<Record<string, object>> = {
  completed: { call_status: 'completed', sip_status: 200 },
  busy: { call_status: 'busy', sip_status: 486 },
  no_answer: { call_status: 'no-answer', sip_status: 480 },
  cancelled: { call_status: 'no-answer', sip_status: 487 },
  failed: { call_status: 'failed', sip_status: 503 },
};

exerciseProvider('jambonz', async (): Promise<ProviderBench> => {
  const gateway = await OperatorGateway.start(() => Promise.reject(new Error('Nobody asks the switch.')));
  const notOnSale = toVirtualNumber('+12025550150');
  invariant(notOnSale, 'a number of the test does not parse');
  const nothing = async (): Promise<never> => {
    throw new Error('A switch sells nothing.');
  };
  const clock = new ManualClock();
  return {
    provider: createJambonzProvider({ webhookSecret: SECRET, password: PASSWORD }, { clock }),
    clock,
    webhooks: createWebhooks(clock),
    reader,
    operator: { gateway, country: 'US', notOnSale, morePages: 1, sell: nothing, held: nothing },
    secrets: [SECRET, PASSWORD],
    close: () => gateway.stop(),
  };
});

/** The documented fields of a call that comes in. */
function createWebhooks(clock: ManualClock): WebhookBench {
  const post = (kind: string, body: object): UnsignedWebhook => ({
    method: 'POST',
    url: `${BASE}/${kind}`,
    headers: { 'content-type': 'application/json' },
    rawBody: new TextEncoder().encode(JSON.stringify(body)),
  });
  return {
    answer: ({ callId, from, to, digits }) =>
      post('answer', {
        call_sid: callId,
        direction: 'inbound',
        from: from ?? 'anonymous',
        to,
        call_id: '7a5b-sip-call-id',
        sip_status: 100,
        call_status: 'trying',
        account_sid: 'ACC',
        application_sid: 'APP',
        originating_sip_ip: '192.0.2.7',
        originating_sip_trunk_name: 'trunk',
        caller_name: '',
        sip: { headers: { via: 'SIP/2.0/UDP 192.0.2.7' }, method: 'INVITE' },
        ...(digits && { digits }),
      }),
    status: ({ callId, ...rest }) => {
      const common = { call_sid: callId, direction: 'inbound' };
      if (rest.event === 'ended')
        return post('status', { ...common, ...ENDS[rest.termination], duration: rest.durationSeconds });
      return post('status', { ...common, call_status: rest.event === 'ringing' ? 'ringing' : 'in-progress' });
    },
    message: ({ messageId, from, to, body }) =>
      post('message', { message_sid: messageId, from, to, text: body }),
    sign: (webhook, { secret = SECRET, at = clock.now() } = {}) => {
      const t = Math.floor(at / 1_000);
      const v1 = createHmac('sha256', secret).update(`${t}.`).update(webhook.rawBody).digest('hex');
      return {
        ...webhook,
        remoteAddress: '192.0.2.7',
        headers: {
          ...webhook.headers,
          'jambonz-signature': `t=${t},v1=${v1}`,
          authorization: `Basic ${Buffer.from(`jambonz:${PASSWORD}`).toString('base64')}`,
        },
      };
    },
    proofHeaders: ['jambonz-signature', 'authorization'],
    covers: new Set(['body']),
    toleranceSeconds: 300,
    terminations: Object.keys(ENDS) as WebhookBench['terminations'],
  };
}

const reader: InstructionReader = {
  call: ({ body }) => {
    const [first] = JSON.parse(body);
    switch (first?.verb) {
      case 'dial':
        // Without this the caller's identity is copied to the other leg.
        expect(first).toMatchObject({ forwardPAI: false, answerOnBridge: true });
        return {
          kind: 'bridge',
          destination: first.target[0].number,
          callerId: first.callerId,
          ringTimeoutSeconds: first.timeout,
          maxCallSeconds: first.timeLimit,
        };
      case 'say':
        return { kind: 'announce', text: first.text };
      case 'gather':
        return { kind: 'collect_pin', digits: first.numDigits };
      case 'sip:decline':
        return { kind: 'reject' };
      default:
        throw new Error('jambonz knows no such verb.');
    }
  },
  message: ({ body }) => {
    if (body !== '[]') throw new Error('Texts are not relayed.');
    return { kind: 'drop' };
  },
};

describe('createJambonzProvider', () => {
  const clock = new ManualClock();
  const provider = createJambonzProvider({ webhookSecret: SECRET }, { clock });
  const bench = createWebhooks(clock);
  const parse = (kind: 'answer' | 'status', body: object) => {
    const webhook = bench.answer({ callId: 'x', from: null, to: '+12155550100' });
    return provider.parseWebhook(
      kind,
      bench.sign({ ...webhook, rawBody: new TextEncoder().encode(JSON.stringify(body)) }),
    );
  };

  it('takes a caller who withholds the number from P-Asserted-Identity', () => {
    const headers = { 'P-Asserted-Identity': '"x" <sip:+12025550101@trunk.example>' };
    const parsed = parse('answer', { call_sid: '1', from: 'anonymous', to: '12155550100', sip: { headers } });
    expect(parsed.kind === 'answer' && parsed.request.callingNumber?.reveal()).toBe('+12025550101');
    expect(parsed).toMatchObject({ request: { calledNumber: '+12155550100' } });
  });

  it('ignores the leg to the callee, and words that it does not know', () => {
    expect(parse('status', { call_sid: '2', direction: 'outbound', call_status: 'completed' })).toMatchObject(
      { kind: 'ignored' },
    );
    expect(parse('status', { call_sid: '2', call_status: 'early-media' })).toMatchObject({ kind: 'ignored' });
  });

  it('accepts the secret before the last while it is rotated, and not afterwards', () => {
    const request = bench.sign(bench.answer({ callId: '1', from: null, to: '+12155550100' }));
    const next = { webhookSecret: 'the next webhook secret' };
    expect(
      createJambonzProvider({ ...next, previousWebhookSecret: SECRET }, { clock }).isAuthentic(request),
    ).toBe(true);
    expect(createJambonzProvider(next, { clock }).isAuthentic(request)).toBe(false);
  });

  it('names what is wrong with a configuration, and no value', () => {
    expect(() => readJambonzConfig({ webhookSecret: 'hush' })).toThrow('/webhookSecret');
    expect(() => readJambonzConfig({ webhookSecret: 'hush' })).not.toThrow('hush');
  });
});
