import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { invariant } from '../../lib/assert.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { PhoneNumber } from '../../privacy/phone-number.ts';
import { exerciseProvider } from '../conformance.ts';
import type { WebhookRequest } from '../provider.ts';
import {
  CREDENTIALS,
  createExotelBench,
  createExotelWebhooks,
  type ExotelBench,
  SMS_FLOW,
  VOICE_FLOW,
  WEBHOOK_BASE,
} from './testing/exotel-bench.ts';
import { createExotelProvider } from './exotel-provider.ts';

exerciseProvider('exotel', createExotelBench);

const clock = new ManualClock();
const { signal } = new AbortController();
const SETTINGS = { voiceFlowUrl: VOICE_FLOW };
const URLS = { answer: 'https://a.example/', status: 'https://s.example/', message: 'https://m.example/' };
const { webhookUser, webhookPassword, ...UNPROVEN } = CREDENTIALS;
const webhooks = createExotelWebhooks();
const CALL = webhooks.sign(webhooks.answer({ callId: 'call-1', from: '+12025550101', to: '+12155550150' }));

function make(settings: object, credentials: object) {
  return createExotelProvider({ settings: { ...SETTINGS, ...settings }, credentials }, { clock });
}

function from(remoteAddress: string, request: WebhookRequest = CALL): WebhookRequest {
  return { ...request, remoteAddress };
}

describe('an account at Exotel', () => {
  it('is refused with the secret path alone, and it says what to set', () => {
    expect(() => make({}, UNPROVEN)).toThrow(
      /webhookUser and webhookPassword, or the setting sourceAddresses/,
    );
  });

  it.each([
    ['half a proof', {}, { ...UNPROVEN, webhookUser }, 'both webhookUser and webhookPassword'],
    ['the other half', {}, { ...UNPROVEN, webhookPassword }, 'both'],
    ['a short password', {}, { ...CREDENTIALS, webhookPassword: 'hush' }, 'credentials/webhookPassword'],
    ['no flow', { voiceFlowUrl: undefined }, CREDENTIALS, 'settings'],
    ['a list of no addresses', { sourceAddresses: [] }, UNPROVEN, 'settings/sourceAddresses'],
    ['a name for an address', { sourceAddresses: ['hush.example'] }, UNPROVEN, 'sourceAddresses'],
    ['the whole Internet', { sourceAddresses: ['0.0.0.0/0'] }, UNPROVEN, 'sourceAddresses'],
    ['the half of it', { sourceAddresses: ['0.0.0.0/1', '128.0.0.0/1'] }, UNPROVEN, 'sourceAddresses'],
    ['all of IPv6', { sourceAddresses: ['::/0'] }, UNPROVEN, 'sourceAddresses'],
    ['a block that is none', { sourceAddresses: ['203.0.113.0/33'] }, UNPROVEN, 'sourceAddresses'],
    ['a block with a sign', { sourceAddresses: ['203.0.113.0/-8'] }, UNPROVEN, 'sourceAddresses'],
    ['a block of a block', { sourceAddresses: ['203.0.113.0/24/24'] }, UNPROVEN, 'sourceAddresses'],
    ['an empty block', { sourceAddresses: [''] }, UNPROVEN, 'sourceAddresses'],
    ['a misspelt setting', { sourceAdresses: ['203.0.113.1'] }, CREDENTIALS, 'additional'],
  ])('is refused with %s, and it says why without saying what', (_, settings, credentials, why) => {
    expect(() => make(settings, credentials)).toThrow(why);
    expect(() => make(settings, credentials)).not.toThrow('hush');
  });

  it('declares the factors that it was given', () => {
    const sourceAddresses = ['203.0.113.0/24'];
    const factorsOf = (settings: object, credentials: object) =>
      make(settings, credentials).capabilities.authenticityFactors;
    expect(factorsOf({}, CREDENTIALS)).toEqual(['secret_path', 'basic_auth']);
    expect(factorsOf({ sourceAddresses }, UNPROVEN)).toEqual(['secret_path', 'source_address']);
    expect(factorsOf({ sourceAddresses }, CREDENTIALS)).toHaveLength(3);
  });
});

describe('a webhook of Exotel', () => {
  it('is believed from the addresses of the list alone, in every way of writing them', () => {
    const provider = make(
      { sourceAddresses: ['203.0.113.0/28', '198.51.100.7', '2001:db8:1::/48'] },
      UNPROVEN,
    );
    const believed = (address: string): boolean => provider.isAuthentic(from(address));
    for (const address of [
      '203.0.113.0',
      '203.0.113.15',
      '198.51.100.7',
      '2001:db8:1::1',
      '2001:DB8:1:0::1',
    ]) {
      expect(believed(address), address).toBe(true);
    }
    // A server that listens on IPv6 sees IPv4 like this.
    expect(believed('::ffff:203.0.113.7')).toBe(true);
    const others = [
      '203.0.113.16',
      '203.0.112.255',
      '198.51.100.8',
      '198.51.100.6',
      '2001:db8:2::1',
      '127.0.0.1',
    ];
    const odd = [
      '',
      ' ',
      'unknown',
      '203.0.113',
      '203.0.113.7 ',
      '203.0.113.7:443',
      '[2001:db8:1::1]',
      '0',
      '::',
    ];
    const tricks = [
      '203.0.113.7, 192.0.2.1',
      '0xcb.0.113.7',
      '203.0.113.07',
      '3405803783',
      '::ffff:192.0.2.1',
    ];
    for (const address of [...others, ...odd, ...tricks]) expect(believed(address), address).toBe(false);
    // A header is anybody's.
    const headers = {
      'x-forwarded-for': '203.0.113.7',
      'x-real-ip': '203.0.113.7',
      forwarded: 'for=203.0.113.7',
    };
    expect(provider.isAuthentic({ ...CALL, remoteAddress: '192.0.2.1', headers })).toBe(false);
  });

  it('needs every proof that is set, and a method that Exotel uses', () => {
    const provider = make({ sourceAddresses: ['203.0.113.7'] }, CREDENTIALS);
    expect(provider.isAuthentic(from('203.0.113.7'))).toBe(true);
    expect(provider.isAuthentic(from('203.0.113.8'))).toBe(false);
    expect(provider.isAuthentic({ ...from('203.0.113.7'), headers: {} })).toBe(false);
    for (const method of ['PUT', 'DELETE', 'HEAD', 'get', 'PATCH', 'OPTIONS', '']) {
      expect(provider.isAuthentic({ ...CALL, method }), method).toBe(false);
    }
  });

  it('is refused with any other password, user or scheme', () => {
    const provider = make({}, CREDENTIALS);
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const right = `${webhookUser}:${webhookPassword}`;
    const forged = [
      ...[...right].map((_, at) => `Basic ${base64(right.slice(0, at) + right.slice(at + 1))}`),
      ...[...right].map((_, at) => `Basic ${base64(`${right.slice(0, at)}~${right.slice(at + 1)}`)}`),
      ...[
        `Bearer ${webhookPassword}`,
        `Basic ${right}`,
        `basic  ${base64(right)}`,
        base64(right),
        'Basic',
        'Basic ',
      ],
      ...[
        `Basic ${base64(right)} `,
        `Basic ${base64(`${right}\0`)}`,
        `Digest ${base64(right)}`,
        `${webhookUser}:`,
      ],
    ];
    expect(forged.length).toBeGreaterThanOrEqual(65);
    for (const authorization of forged) {
      expect(provider.isAuthentic({ ...CALL, headers: { authorization } }), authorization).toBe(false);
    }
  });

  it('believes the password before the last while the flows are changed over, and not afterwards', () => {
    const rotated = { ...CREDENTIALS, webhookPassword: 'the-password-after-that' };
    expect(make({}, { ...rotated, previousWebhookPassword: webhookPassword }).isAuthentic(CALL)).toBe(true);
    expect(make({}, rotated).isAuthentic(CALL)).toBe(false);
  });
});

describe('numbers, texts and calls at Exotel', () => {
  let b: ExotelBench;
  beforeEach(async () => {
    b = await createExotelBench();
  });
  afterEach(() => b.close());

  it('belong to the flows of the settings, and go back to those of before', async () => {
    const [found] = await b.provider.searchNumbers({ country: 'US', limit: 1 }, signal);
    invariant(found, 'the operator has nothing on sale');
    const held = await b.provider.provisionNumber(found.virtualNumber, URLS, signal);
    expect(b.exotel.flowsOf(held.virtualNumber)).toEqual([VOICE_FLOW, SMS_FLOW]);
    b.exotel.assign(held.virtualNumber, 'http://my.exotel.com/x/exoml/start_voice/7', '');
    const before: unknown = JSON.parse(
      JSON.stringify(await b.provider.configureNumber(held, { urls: URLS }, signal)),
    );
    expect(b.exotel.flowsOf(held.virtualNumber)).toEqual([VOICE_FLOW, SMS_FLOW]);
    await b.provider.configureNumber(held, { restore: before }, signal);
    expect(b.exotel.flowsOf(held.virtualNumber)).toEqual(['http://my.exotel.com/x/exoml/start_voice/7', '']);
    const nonsense = b.provider.configureNumber(held, { restore: { voice_url: 5 } }, signal);
    await expect(nonsense).rejects.toMatchObject({ code: 'malformed' });
    const sent = b.operator.gateway.requests.map(({ body, path }) => body + path).join(' ');
    for (const url of Object.values(URLS)) expect(sent).not.toContain(encodeURIComponent(url));
  });

  it('are listed at the account alone, whatever host the next page names', async () => {
    await b.operator.sell(201);
    expect(await b.provider.listNumbers(signal)).toHaveLength(201);
    expect(b.operator.gateway.requests.at(-1)?.path).toBe(
      `/v2_beta/Accounts/${CREDENTIALS.accountSid}/IncomingPhoneNumbers?Page=1&PageSize=200`,
    );
    const body = JSON.stringify({ incoming_phone_numbers: [], next_page_uri: 'http://other.example/x' });
    b.operator.gateway.disturb({ kind: 'answer', answer: { status: 200, body } });
    await expect(b.provider.listNumbers(signal)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('do not count as given back when a proxy on the way says 404', async () => {
    const held = { virtualNumber: b.operator.notOnSale, capabilities: [], providerNumberId: 'x' } as const;
    b.operator.gateway.disturb({ kind: 'answer', answer: { status: 404, body: '<h1>Not Found</h1>' } });
    await expect(b.provider.decommissionNumber(held, signal)).rejects.toMatchObject({ code: 'refused' });
  });

  it('are relayed by a request of their own, with what India asks for', async () => {
    const destination = PhoneNumber.parse('+12025550101');
    const sender = toVirtualNumber('+12155550150');
    invariant(destination && sender, 'a number of the test does not parse');
    const relay = { decision: 'relay', destination, sender, body: 'Gate 4 & left' } as const;
    await b.provider.sendMessage?.(relay, 'sms-7', signal);
    await b.provider.sendMessage?.(relay, 'sms-7', signal);
    const dlt = { dltEntityId: '1101', dltTemplateId: '1107', smsType: 'transactional' };
    const provider = make({ baseUrl: b.operator.gateway.url, ...dlt }, CREDENTIALS);
    await provider.sendMessage?.({ ...relay, body: 'नमस्ते' }, 'sms-8', signal);
    expect(b.exotel.texts.map((text) => Object.fromEntries(text))).toEqual([
      {
        ...{ From: '+12155550150', To: '+12025550101', Body: 'Gate 4 & left' },
        ...{ EncodingType: 'plain', CustomField: 'sms-7' },
      },
      {
        ...{ From: '+12155550150', To: '+12025550101', Body: 'नमस्ते', EncodingType: 'unicode' },
        ...{ DltEntityId: '1101', DltTemplateId: '1107', SmsType: 'transactional', CustomField: 'sms-8' },
      },
    ]);
    for (const [status, code, advice = ''] of [
      [400, 'refused'],
      [401, 'refused', ' Check the API key, the API token and the data centre (baseUrl).'],
      [429, 'rate_limited'],
      [503, 'unavailable'],
    ] as const) {
      const body = '{"RestException":{"Message":"+12025550101 is on the DND list"}}';
      b.operator.gateway.disturb({ kind: 'answer', answer: { status, body } });
      const failed: unknown = await b.provider.sendMessage?.(relay, 'sms-9', signal).catch((error) => error);
      expect(failed).toMatchObject({ code, message: `Exotel answered ${status}.${advice}` });
    }
  });

  it('have the end of the second leg, and none while they last or are not known', async () => {
    const ended = { Status: 'completed', EndTime: '2026-11-22 11:21:43', Duration: '75' };
    const Details = { ConversationDuration: 61, Leg1Status: 'completed', Leg2Status: 'completed' };
    b.exotel.calls.set('c1', { ...ended, Details });
    b.exotel.calls.set('c2', { ...ended, Details: { ConversationDuration: 0, Leg2Status: 'no-answer' } });
    b.exotel.calls.set('c3', { ...ended, Status: 'in-progress', EndTime: null });
    b.exotel.calls.set('c4', { ...ended, EndTime: '1970-01-01 05:30:00' });
    const end = async (callId: string) => b.provider.fetchCallEnd?.(callId, signal);
    const at = Date.UTC(2026, 10, 22, 5, 51, 43);
    expect(await end('c1')).toEqual({
      ...{ status: 'ended', at, termination: 'completed', durationSeconds: 61 },
      nativeCause: 'completed',
    });
    expect(await end('c2')).toMatchObject({ at, termination: 'no_answer', durationSeconds: 0 });
    expect(await end('c3')).toBeNull();
    expect(await end('c4')).toMatchObject({ at: b.clock.now(), durationSeconds: null });
    expect(await end('c5')).toBeNull();
  });

  it('are asked for at our URLs with the secret path', () => {
    expect(CALL.url.startsWith(`${WEBHOOK_BASE}/answer?`)).toBe(true);
  });
});
