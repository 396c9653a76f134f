import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../lib/manual-clock.ts';
import { exerciseProvider } from '../conformance.ts';
import type { ProviderBench, UnsignedWebhook, WebhookBench } from '../conformance-bench.ts';
import type { WebhookRequest } from '../provider.ts';
import {
  createOperatorBench,
  createTwilioWebhooks,
  formWebhook,
  twimlReader,
} from '../twilio/testing/twilio-bench.ts';
import { TwilioOperator } from '../twilio/testing/twilio-operator.ts';
import { SIGNALWIRE, TWILIO } from '../twilio/twilio-dialect.ts';
import { isTwilioSigned } from '../twilio/twilio-signature.ts';
import { createSignalWireProvider } from './signalwire-provider.ts';

const PROJECT_ID = '01234567-89ab-cdef-0123-456789abcdef';
const API_TOKEN = 'PT0123456789abcdef0123456789abcdef';
const SIGNING_KEY = 'PSK_0123456789abcdef0123456789abcdef';
const CREDENTIALS = { projectId: PROJECT_ID, apiToken: API_TOKEN, signingKey: SIGNING_KEY };

exerciseProvider('signalwire', createBench);

async function createBench(): Promise<ProviderBench> {
  const clock = new ManualClock();
  const operator = await createOperatorBench(
    new TwilioOperator({
      accountSid: PROJECT_ID,
      user: PROJECT_ID,
      password: API_TOKEN,
      prefix: '/api/laml',
      numberTypes: ['Local', 'TollFree'],
    }),
  );
  const account = { settings: { baseUrl: operator.gateway.url }, credentials: CREDENTIALS };
  return {
    provider: createSignalWireProvider(account, { clock }),
    clock,
    webhooks: createWebhooks(),
    reader: twimlReader,
    operator,
    secrets: [API_TOKEN, SIGNING_KEY, Buffer.from(`${PROJECT_ID}:${API_TOKEN}`).toString('base64')],
    close: () => operator.gateway.stop(),
  };
}

/** The same forms as Twilio's, signed as SignalWire's fork of its library does. */
function createWebhooks(): WebhookBench {
  const header = 'x-signalwire-signature';
  const webhooks = createTwilioWebhooks({ accountSid: PROJECT_ID, secret: SIGNING_KEY, header });
  return {
    ...webhooks,
    sign: (webhook, { secret = SIGNING_KEY } = {}) => ({
      ...webhook,
      remoteAddress: '203.0.113.7',
      headers: { ...webhook.headers, [header]: sign(webhook, secret) },
    }),
  };
}

function sign({ url, rawBody }: UnsignedWebhook, secret: string): string {
  const fields = [...new URLSearchParams(Buffer.from(rawBody).toString('utf8'))];
  const names = [...new Set(fields.map(([name]) => name))].sort();
  const signed = names.flatMap((name) =>
    fields.filter(([each]) => each === name).map(([, value]) => name + value),
  );
  return createHmac('sha1', secret)
    .update(url + signed.join(''))
    .digest('base64');
}

describe('a webhook of SignalWire', () => {
  const url = 'https://vn.example.com/hooks/signalwire/voice';
  const voice = formWebhook(url, {
    AccountSid: 'AC00000000000000000000000000000001',
    CallSid: 'CA00000000000000000000000000000001',
    CallStatus: 'ringing',
    Direction: 'inbound',
    From: '+14155550101',
    To: '+14155550199',
  });
  const request = (headers: WebhookRequest['headers'], rawBody = voice.rawBody): WebhookRequest => ({
    ...voice,
    rawBody,
    remoteAddress: '',
    headers,
  });
  const SIGNATURE = 'c0gvAVa5QylVUNii8M+7uuStotw=';

  it("is believed with the vendor's signature, under either name", () => {
    const believed = (headers: WebhookRequest['headers']): boolean =>
      isTwilioSigned(request(headers), keys('test_signing_key'), SIGNALWIRE);
    expect(believed({ 'x-signalwire-signature': SIGNATURE })).toBe(true);
    expect(believed({ 'x-twilio-signature': SIGNATURE })).toBe(true);
    // The one that is there is the one that counts.
    expect(believed({ 'x-signalwire-signature': 'x', 'x-twilio-signature': SIGNATURE })).toBe(false);
    expect(believed({})).toBe(false);
  });

  it('has the values of a repeated field signed as they come', () => {
    const twice = Buffer.from('a=2&a=1&a=2');
    const signature = createHmac('sha1', 'key').update(`${url}a2a1a2`).digest('base64');
    const headers = { 'x-signalwire-signature': signature, 'x-twilio-signature': signature };
    expect(isTwilioSigned(request(headers, twice), keys('key'), SIGNALWIRE)).toBe(true);
    expect(isTwilioSigned(request(headers, Buffer.from('a=1&a=2&a=2')), keys('key'), SIGNALWIRE)).toBe(false);
    expect(isTwilioSigned(request(headers, twice), keys('key'), TWILIO)).toBe(false);
  });

  it('vouches for nobody, because it is not known to carry a verdict', () => {
    const provider = createSignalWireProvider(
      { settings: { baseUrl: 'https://example.signalwire.com' }, credentials: CREDENTIALS },
      { clock: new ManualClock() },
    );
    const fields = {
      CallSid: 'CA1',
      From: '+12025550101',
      To: '+12155550150',
      StirVerstat: 'TN-Validation-Passed-A',
    };
    const parsed = provider.parseWebhook('answer', { ...formWebhook(url, fields), remoteAddress: '' });
    expect(parsed).toMatchObject({ request: { attestation: null } });
  });
});

describe('a status callback of SignalWire', () => {
  it('says what the network of the callee answered in a field of its own', () => {
    const provider = createSignalWireProvider(
      { settings: { baseUrl: 'https://example.signalwire.com' }, credentials: CREDENTIALS },
      { clock: new ManualClock() },
    );
    const leg = { CallSid: 'CA2', ParentCallSid: 'CA1', CallDuration: '0' };
    const read = (fields: Record<string, string>) =>
      provider.parseWebhook('status', {
        ...formWebhook('https://vn.example.com/s', { ...leg, ...fields }),
        remoteAddress: '',
      });
    expect(read({ CallStatus: 'busy', SipResultCode: '486', SipResponseCode: '200' })).toMatchObject({
      callback: { providerCallId: 'CA1', legStatus: { termination: 'busy', nativeCause: 'busy 486' } },
    });
    for (const CallStatus of ['no-answer', 'no answer']) {
      expect(read({ CallStatus, SipResultCode: '480' })).toMatchObject({
        callback: { legStatus: { termination: 'no_answer', nativeCause: 'no-answer 480' } },
      });
    }
  });
});

describe('a number at SignalWire', () => {
  it('counts as given back when SignalWire says 404, and not when a proxy does', async () => {
    const b = await createBench();
    const held = { virtualNumber: b.operator.notOnSale, capabilities: [], providerNumberId: 'gone' } as const;
    const { signal } = new AbortController();
    for (const body of ['{"status":404,"message":"Not Found"}', '{"code":20404}']) {
      b.operator.gateway.disturb({ kind: 'answer', answer: { status: 404, body } });
      await b.provider.decommissionNumber(held, signal);
    }
    b.operator.gateway.disturb({ kind: 'answer', answer: { status: 404, body: '<h1>404</h1>' } });
    await expect(b.provider.decommissionNumber(held, signal)).rejects.toMatchObject({ code: 'refused' });
    await b.close();
  });
});

describe('an account at SignalWire', () => {
  const settings = { baseUrl: 'https://example.signalwire.com' };

  it('believes the key before the last while it is rotated, and not afterwards', () => {
    const webhooks = createWebhooks();
    const call = webhooks.sign(webhooks.answer({ callId: 'call-1', from: null, to: '+12155550150' }));
    const make = (credentials: object) =>
      createSignalWireProvider({ settings, credentials }, { clock: new ManualClock() });
    const rotated = { ...CREDENTIALS, signingKey: SIGNING_KEY.toUpperCase() };
    expect(make({ ...rotated, previousSigningKey: SIGNING_KEY }).isAuthentic(call)).toBe(true);
    expect(make(rotated).isAuthentic(call)).toBe(false);
  });

  it.each([
    ['no signing key', { projectId: PROJECT_ID, apiToken: API_TOKEN }, settings, 'signingKey'],
    ['no space', CREDENTIALS, {}, 'settings'],
    [
      'a type of numbers that it does not sell',
      CREDENTIALS,
      { ...settings, numberType: 'Mobile' },
      'numberType',
    ],
    ['an odd project', { ...CREDENTIALS, projectId: 'hush' }, settings, 'credentials/projectId'],
  ])('is refused with %s, and it says why without saying what', (_, credentials, given, why) => {
    const make = (): unknown =>
      createSignalWireProvider({ settings: given, credentials }, { clock: new ManualClock() });
    expect(make).toThrow(why);
    expect(make).not.toThrow('hush');
  });
});

function keys(...secrets: string[]): KeyObject[] {
  return secrets.map((secret) => createSecretKey(secret, 'utf8'));
}
