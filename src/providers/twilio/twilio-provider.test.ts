import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { invariant } from '../../lib/assert.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { exerciseProvider } from '../conformance.ts';
import type { NumberHeld } from '../provider.ts';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  createTwilioBench,
  createTwilioWebhooks,
  type TwilioBench,
} from './testing/twilio-bench.ts';
import { createTwilioProvider } from './twilio-provider.ts';

exerciseProvider('twilio', createTwilioBench);

const URLS = {
  answer: 'https://vn.example.com/a',
  status: 'https://vn.example.com/s',
  message: 'https://vn.example.com/m',
};
const { signal } = new AbortController();
const clock = new ManualClock();
const CREDENTIALS = { accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN };

describe('an account at Twilio', () => {
  it('believes the token before the last while it is rotated, and not afterwards', () => {
    const webhooks = createTwilioWebhooks({
      accountSid: ACCOUNT_SID,
      secret: AUTH_TOKEN,
      header: 'x-twilio-signature',
    });
    const request = webhooks.sign(webhooks.answer({ callId: 'call-1', from: null, to: '+12155550100' }));
    const rotated = { ...CREDENTIALS, authToken: AUTH_TOKEN.toUpperCase() };
    const make = (credentials: object) => createTwilioProvider({ settings: {}, credentials }, { clock });
    expect(make({ ...rotated, previousAuthToken: AUTH_TOKEN }).isAuthentic(request)).toBe(true);
    expect(make(rotated).isAuthentic(request)).toBe(false);
  });

  it.each([
    ['no token', { accountSid: ACCOUNT_SID }, {}, 'authToken'],
    ['a short token', { ...CREDENTIALS, authToken: 'hush' }, {}, 'credentials/authToken'],
    ['no account', { authToken: AUTH_TOKEN }, {}, 'accountSid'],
    [
      'the key of an API key without its secret',
      { ...CREDENTIALS, apiKeySid: `SK${'0'.repeat(32)}` },
      {},
      'both',
    ],
    ['an address with a password in it', CREDENTIALS, { baseUrl: 'http://me:hush@host' }, 'settings/baseUrl'],
    ['a misspelt setting', CREDENTIALS, { basUrl: 'hush' }, 'additional'],
    ['a misspelt credential', { ...CREDENTIALS, authTokens: 'hush' }, {}, 'additional'],
    ['a type of numbers that there is not', CREDENTIALS, { numberType: 'hush' }, 'settings/numberType'],
    ['nothing', null, null, 'credentials'],
  ])('is refused with %s, and it says why without saying what', (_, credentials, settings, why) => {
    const make = (): unknown => createTwilioProvider({ settings, credentials }, { clock });
    expect(make).toThrow(why);
    expect(make).not.toThrow('hush');
  });
});

describe('numbers at Twilio', () => {
  let b: TwilioBench;
  beforeEach(async () => {
    b = await createTwilioBench();
  });
  afterEach(() => b.close());

  async function buy(): Promise<NumberHeld> {
    const [found] = await b.provider.searchNumbers({ country: 'US', limit: 1 }, signal);
    invariant(found, 'the operator has nothing on sale');
    return b.provider.provisionNumber(found.virtualNumber, URLS, signal);
  }

  it('are bought with the documents that a country asks for, by an API key when there is one', async () => {
    const bundleSid = `BU${'1'.repeat(32)}`;
    const provider = createTwilioProvider(
      {
        settings: {
          baseUrl: `${b.operator.gateway.url}/`,
          bundleSid,
          voiceFallbackUrl: 'https://static.example/neutral.xml',
        },
        credentials: { ...CREDENTIALS, apiKeySid: `SK${'2'.repeat(32)}`, apiKeySecret: 's'.repeat(32) },
      },
      { clock },
    );
    await provider.provisionNumber((await buy()).virtualNumber, URLS, signal).catch(() => null);
    const request = b.operator.gateway.requests.at(-1);
    const [user] = Buffer.from(String(request?.headers.authorization).slice(6), 'base64')
      .toString()
      .split(':');
    expect(user).toBe(`SK${'2'.repeat(32)}`);
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toMatchObject({
      BundleSid: bundleSid,
      VoiceFallbackUrl: 'https://static.example/neutral.xml',
    });
  });

  it('answer to us although they belonged to an application or a trunk, and go back to it', async () => {
    const held = await buy();
    const settings = {
      baseUrl: b.operator.gateway.url,
      voiceFallbackUrl: 'https://static.example/neutral.xml',
    };
    const withFallback = createTwilioProvider({ settings, credentials: CREDENTIALS }, { clock });
    const before = {
      VoiceApplicationSid: `AP${'1'.repeat(32)}`,
      SmsApplicationSid: `AP${'2'.repeat(32)}`,
      TrunkSid: `TK${'3'.repeat(32)}`,
      VoiceFallbackUrl: 'https://before.example/fallback',
      VoiceFallbackMethod: 'GET',
      SmsFallbackUrl: 'https://before.example/sms-fallback',
      VoiceMethod: 'GET',
    };
    for (const [name, value] of Object.entries(before)) b.twilio.setField(held.virtualNumber, name, value);
    const remembered = await b.provider.configureNumber(held, { urls: URLS }, signal);
    expect((await b.operator.held()).get(held.virtualNumber)).toEqual(URLS);
    expect(b.twilio.fieldsOf(held.virtualNumber).get('VoiceFallbackUrl')).toBe('');
    // It is kept in a database in between.
    const kept: unknown = JSON.parse(JSON.stringify(remembered));
    await withFallback.configureNumber(held, { urls: URLS }, signal);
    const pointed = b.twilio.fieldsOf(held.virtualNumber);
    expect([pointed.get('VoiceFallbackUrl'), pointed.get('VoiceFallbackMethod')]).toEqual([
      settings.voiceFallbackUrl,
      'POST',
    ]);
    await b.provider.configureNumber(held, { restore: kept }, signal);
    expect(Object.fromEntries(b.twilio.fieldsOf(held.virtualNumber))).toMatchObject(before);
    const nonsense = b.provider.configureNumber(held, { restore: { voice_url: 5 } }, signal);
    await expect(nonsense).rejects.toMatchObject({ code: 'malformed' });
  });

  it('say what Twilio said, by its code alone', async () => {
    const cases = [
      [400, 21422, 'number_not_available'],
      [400, 21421, 'number_not_available'],
      [404, 21452, 'number_not_available'],
      [429, 20429, 'rate_limited'],
      [400, 21631, 'refused'],
      [401, 20003, 'refused'],
      [503, 20503, 'unavailable'],
    ] as const;
    for (const [status, code, ours] of cases) {
      const body = JSON.stringify({ code, message: 'No +12025550123 for you', status });
      b.operator.gateway.disturb({ kind: 'answer', answer: { status, body } });
      const error: unknown = await b.provider
        .provisionNumber(b.operator.notOnSale, URLS, signal)
        .catch((thrown: unknown) => thrown);
      const advice = status === 401 ? ' Check the account, and the token or key for its REST API.' : '';
      const message = `Twilio answered ${status} ${code}.${advice}`;
      expect(error).toMatchObject({ code: ours, message });
    }
  });

  it('are listed at the account alone, whatever the next page is said to be', async () => {
    const page = (next: string): string =>
      JSON.stringify({ incoming_phone_numbers: [], next_page_uri: next });
    for (const next of ['https://other.example/2010-04-01/Calls.json?Page=1', '/2010-04-01/x', 'nonsense']) {
      b.operator.gateway.disturb({ kind: 'answer', answer: { status: 200, body: page(next) } });
      await expect(b.provider.listNumbers(signal), next).rejects.toMatchObject({ code: 'unavailable' });
    }
    const foreign = `https://other.example/2010-04-01/Accounts/AC2/IncomingPhoneNumbers.json?Page=1`;
    b.operator.gateway.disturb({ kind: 'answer', answer: { status: 200, body: page(foreign) } });
    await b.provider.listNumbers(signal);
    expect(b.operator.gateway.requests.at(-1)?.path).toBe(
      `/2010-04-01/Accounts/${ACCOUNT_SID}/IncomingPhoneNumbers.json?Page=1`,
    );
  });

  it('do not count as given back when a proxy on the way says 404', async () => {
    const held = await buy();
    b.operator.gateway.disturb({ kind: 'answer', answer: { status: 404, body: '<h1>Not Found</h1>' } });
    await expect(b.provider.decommissionNumber(held, signal)).rejects.toMatchObject({ code: 'refused' });
  });
});

describe('a call at Twilio whose end was not reported', () => {
  let b: TwilioBench;
  beforeEach(async () => {
    b = await createTwilioBench();
  });
  afterEach(() => b.close());

  const end = async (callId: string) => b.provider.fetchCallEnd?.(callId, signal);
  const EARLIER = 'Sun, 22 Nov 2026 05:51:43 +0000';

  it("has the end of the callee's leg", async () => {
    b.twilio.calls.push(
      { sid: 'CA1', status: 'completed', duration: '75', end_time: EARLIER, parent_call_sid: null },
      { sid: 'CA2', status: 'completed', duration: '61', end_time: EARLIER, parent_call_sid: 'CA1' },
    );
    expect(await end('CA1')).toEqual({
      status: 'ended',
      at: Date.parse(EARLIER),
      termination: 'completed',
      durationSeconds: 61,
      nativeCause: 'completed',
    });
  });

  it("has the caller's own end when nobody was dialled, and none while it lasts or is not known", async () => {
    const call = { duration: null, end_time: null, parent_call_sid: null };
    b.twilio.calls.push({ ...call, sid: 'CA3', status: 'no-answer', end_time: EARLIER });
    b.twilio.calls.push({ ...call, sid: 'CA4', status: 'in-progress' });
    b.twilio.calls.push({ ...call, sid: 'CA5', status: 'completed', end_time: EARLIER });
    b.twilio.calls.push({ ...call, sid: 'CA6', status: 'in-progress', parent_call_sid: 'CA5' });
    expect(await end('CA3')).toMatchObject({ termination: 'no_answer', at: Date.parse(EARLIER) });
    expect(await end('CA4')).toBeNull();
    expect(await end('CA5')).toBeNull();
    expect(await end('CA-unknown')).toBeNull();
    expect(await end('../IncomingPhoneNumbers')).toBeNull();
  });

  it('cannot be told while Twilio does not answer', async () => {
    b.operator.gateway.disturb({ kind: 'answer', answer: { status: 500, body: 'oops' } });
    await expect(end('CA1')).rejects.toMatchObject({ code: 'unavailable' });
  });
});
