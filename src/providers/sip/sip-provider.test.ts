import { describe, expect, it } from 'vitest';
import type { Termination } from '../../domain/call.ts';
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
import { ProviderError, type WebhookRequest } from '../provider.ts';
import { readSipConfig } from './sip-config.ts';
import { createSipProvider } from './sip-provider.ts';

const PASSWORD = 'the password of the edge';
const BASE = 'https://vn.example.com/webhooks/sip/acc_1/0123456789abcdef';

/** What the edge says of each end of a call. */
const ENDS: Readonly<Record<string, object>> = {
  completed: { endedBy: 'caller' },
  time_limit: { endedBy: 'edge' },
  busy: { sipStatus: 486 },
  no_answer: { sipStatus: 480 },
  cancelled: { sipStatus: 487 },
  failed: { sipStatus: 503 },
};

exerciseProvider('sip', async (): Promise<ProviderBench> => {
  const gateway = await OperatorGateway.start(() => Promise.reject(new Error('Nobody asks the edge.')));
  const notOnSale = toVirtualNumber('+12025550150');
  invariant(notOnSale, 'a number of the test does not parse');
  const nothing = async (): Promise<never> => {
    throw new Error('A trunk sells nothing.');
  };
  return {
    provider: createSipProvider({ password: PASSWORD }),
    clock: new ManualClock(),
    webhooks,
    reader,
    operator: { gateway, country: 'US', notOnSale, morePages: 1, sell: nothing, held: nothing },
    secrets: [PASSWORD],
    close: () => gateway.stop(),
  };
});

function post(kind: string, body: object): UnsignedWebhook {
  return {
    method: 'POST',
    url: `${BASE}/${kind}`,
    headers: { 'content-type': 'application/json' },
    rawBody: new TextEncoder().encode(JSON.stringify(body)),
  };
}

const webhooks: WebhookBench = {
  answer: ({ from, to, ...rest }) => post('answer', { ...rest, callingNumber: from, calledNumber: to }),
  status: ({ at, ...rest }) => {
    const body = { callId: rest.callId, event: rest.event, at: at / 1_000 };
    if (rest.event !== 'ended') return post('status', body);
    return post('status', { ...body, ...ENDS[rest.termination], durationSeconds: rest.durationSeconds });
  },
  message: ({ from, to, ...rest }) => post('message', { ...rest, callingNumber: from, calledNumber: to }),
  sign: (webhook, { secret = PASSWORD } = {}): WebhookRequest => ({
    ...webhook,
    remoteAddress: '192.0.2.7',
    headers: {
      ...webhook.headers,
      authorization: `Basic ${Buffer.from(`edge:${secret}`).toString('base64')}`,
    },
  }),
  proofHeaders: ['authorization'],
  // The path's secret is compared before an adapter is asked; a password covers nothing else.
  covers: new Set(),
  toleranceSeconds: null,
  terminations: Object.keys(ENDS) as Termination[],
};

const reader: InstructionReader = {
  call: ({ body }) => {
    const { decision, announcement, ...rest } = JSON.parse(body);
    if (decision === 'bridge') return { kind: 'bridge', ...rest };
    if (decision === 'announce') return { kind: 'announce', text: announcement };
    if (decision === 'reject') return { kind: 'reject' };
    throw new Error('The edge knows no such decision.');
  },
  message: ({ body }) => {
    const { decision, ...rest } = JSON.parse(body);
    return decision === 'drop' ? { kind: 'drop' } : { kind: 'relay', ...rest };
  },
};

describe('createSipProvider', () => {
  const status = (change: object) => {
    const body = { callId: 'call-1', event: 'ended', at: 1_767_225_600.25, ...change };
    const parsed = createSipProvider({ password: PASSWORD }).parseWebhook(
      'status',
      webhooks.sign(post('status', body)),
    );
    return parsed.kind === 'status' ? parsed.callback.legStatus : parsed;
  };

  it.each([
    [{ sipStatus: 486 }, 'busy', 'sip=486;q850=17'],
    [{ sipStatus: 480, q850Cause: 17 }, 'busy', 'sip=480;q850=17'],
    [{ sipStatus: 503, q850Cause: 19 }, 'no_answer', 'sip=503;q850=19'],
    [{ sipStatus: 487, q850Cause: 17 }, 'cancelled', 'sip=487;q850=17'],
    [{ sipStatus: 404 }, 'failed', 'sip=404;q850=1'],
    [{ sipStatus: 699 }, 'failed', 'sip=699'],
    [{ endedBy: 'callee', durationSeconds: 12 }, 'completed', 'sip=200;q850=16'],
    [{ endedBy: 'edge', durationSeconds: 60 }, 'time_limit', 'sip=200;q850=16'],
    [{}, 'failed', 'sip=200;q850=16'],
  ])('reads the end %j as %s, and keeps the codes', (end, termination, nativeCause) => {
    expect(status(end)).toMatchObject({ status: 'ended', at: 1_767_225_600_250, termination, nativeCause });
  });

  it('ignores an event that it does not know', () => {
    expect(status({ event: 'parked' })).toMatchObject({ kind: 'ignored' });
  });

  it('reads many reports in one request, in their order, and skips what it does not know', () => {
    const provider = createSipProvider({ password: PASSWORD });
    const report = (callId: string, event: string) => ({ callId, event, at: 1_767_225_600 });
    const reports = [report('call-1', 'ringing'), report('call-2', 'parked'), report('call-1', 'answered')];
    const read = (body: object) => provider.parseWebhook('status', webhooks.sign(post('status', body)));
    const at = 1_767_225_600_000;
    expect(read({ reports })).toEqual({
      kind: 'statuses',
      callbacks: [
        { providerCallId: 'call-1', legStatus: { status: 'ringing', at } },
        { providerCallId: 'call-1', legStatus: { status: 'answered', at } },
      ],
    });
    for (const wrong of [[], 'call-1', null, [{}], Array(51).fill(report('call-1', 'ringing'))]) {
      expect(() => read({ reports: wrong })).toThrow(ProviderError);
    }
  });

  it('accepts the password before the last while it is rotated, and not afterwards', () => {
    const request = webhooks.sign(webhooks.answer({ callId: '1', from: null, to: '+12155550100' }));
    const next = { password: 'the next password of the edge' };
    expect(createSipProvider({ ...next, previousPassword: PASSWORD }).isAuthentic(request)).toBe(true);
    expect(createSipProvider(next).isAuthentic(request)).toBe(false);
  });

  it('believes only the addresses of its list, when it has one', () => {
    const provider = createSipProvider({
      password: PASSWORD,
      sourceAddresses: ['192.0.2.0/28', '2001:db8::1'],
    });
    const request = webhooks.sign(webhooks.answer({ callId: '1', from: null, to: '+12155550100' }));
    const from = (remoteAddress: string) => provider.isAuthentic({ ...request, remoteAddress });
    expect(['192.0.2.7', '2001:db8::1', '192.0.2.16', '2001:db8::2', '', 'edge'].map(from)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it('sells nothing, and says what to do instead', async () => {
    const provider = createSipProvider({ password: PASSWORD });
    const { signal } = new AbortController();
    await expect(provider.searchNumbers({ country: 'US', limit: 1 }, signal)).rejects.toThrow(/Import/);
    expect(await provider.listNumbers(signal)).toEqual([]);
  });

  it('connects nobody who would have to key in a PIN: an edge has no voice menu', () => {
    const provider = createSipProvider({ password: PASSWORD });
    const urls = { answer: '', status: '', message: '' };
    const response = provider.renderCall({ decision: 'collect_pin', digits: 4 }, urls);
    expect(reader.call(response)).toEqual({ kind: 'reject' });
  });

  it.each([
    ['no password', {}, 'password'],
    ['a short password', { password: 'hush' }, 'password'],
    ['a misspelt option', { password: PASSWORD, sources: [] }, 'additional'],
    ['a name for an address', { password: PASSWORD, sourceAddresses: ['hush'] }, '/sourceAddresses/0'],
    [
      'a network that is none',
      { password: PASSWORD, sourceAddresses: ['192.0.2.0/hush'] },
      '/sourceAddresses/0',
    ],
  ])('refuses to be made with %s, and says why without saying what', (_, wrong, why) => {
    expect(() => readSipConfig(wrong)).toThrow(why);
    expect(() => readSipConfig(wrong)).not.toThrow('hush');
  });
});
