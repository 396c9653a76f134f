import { sign } from 'node:crypto';
import Telnyx from 'telnyx';
import { TelnyxWebhook } from 'telnyx/lib/webhooks';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../lib/manual-clock.ts';
import { mutationsOf } from '../conformance-mutations.ts';
import type { WebhookRequest } from '../provider.ts';
import { respell } from '../testing/respell.ts';
import { readTelnyxConfig } from './telnyx-config.ts';
import { isTelnyxWebhook } from './telnyx-signature.ts';
import { parseTelnyxWebhook } from './telnyx-webhooks.ts';
import {
  ACCOUNT_SEED,
  CREDENTIALS,
  form,
  json,
  privateKeyOf,
  publicKeyOf,
  SETTINGS,
  telnyxWebhooks,
} from './testing/telnyx-bench.ts';

const PUBLIC_KEY = '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=';
const OTHER_SEED = '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb';
const VECTOR_TIME = 1_767_323_045;
const VECTORS = [
  [
    'a JSON event',
    '{"data":{"event_type":"call.initiated","id":"0ccc7b54-4df3-4bca-a65a-3da1ecc777f0","occurred_at":"2026-01-02T03:04:05.000000Z","payload":{"call_control_id":"v3:test","call_leg_id":"leg-1","call_session_id":"sess-1","client_state":null,"connection_id":"1","direction":"incoming","from":"+14155550101","to":"+14155550199","state":"parked"},"record_type":"event"}}',
    '7q5QH+JE0oFAG6/plBM8IkLgG6O/8pngImh782/jIZYNKRTDypgDn7uffs+SHPUESrbjTuPKLyTP3HHMrNDjCw==',
  ],
  [
    'a TeXML form',
    'AccountSid=f5586561-8ff0-4291-a51b-c7dfe4139ff9&CallSid=v3%3Atest&CallStatus=initiated&From=%2B14155550101&To=%2B14155550199',
    '0lHIqpZZ4CpR+TIWdn1moes6XhJTEH0J81E5dgzXH5xW5Y+/ARZ8Z6cMorp3aNf9bB2XC2R14lJw6zWK+vvfCA==',
  ],
] as const;

const config = (change: object = {}) =>
  readTelnyxConfig({ settings: SETTINGS, credentials: { ...CREDENTIALS, ...change } });

const toRequest = (body: string, signature: string): WebhookRequest => ({
  method: 'POST',
  url: 'https://vn.example.com/hooks/telnyx/answer',
  headers: { 'telnyx-timestamp': String(VECTOR_TIME), 'telnyx-signature-ed25519': signature },
  rawBody: new TextEncoder().encode(body),
  remoteAddress: '',
});

describe('the signature of Telnyx', () => {
  const clock = new ManualClock(VECTOR_TIME * 1_000);
  const webhooks = telnyxWebhooks(clock);
  const judge = new TelnyxWebhook(PUBLIC_KEY);
  let refused = 0;
  beforeEach(() => {
    // The SDK reads the system's clock.
    vi.useFakeTimers({ toFake: ['Date'], now: VECTOR_TIME * 1_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  afterAll(() => {
    expect(refused).toBeGreaterThanOrEqual(80);
  });

  it.each(VECTORS)(
    'is the one of the vector, which the vendor’s SDK accepts: %s',
    async (_, body, signature) => {
      expect(publicKeyOf(ACCOUNT_SEED)).toBe(PUBLIC_KEY);
      const request = toRequest(body, signature);
      await judge.verify(body, request.headers as Record<string, string>);
      expect(isTelnyxWebhook(request, config(), clock.now())).toBe(true);
      expect(isTelnyxWebhook(request, config(), clock.now() + 300_000)).toBe(true);
      expect(isTelnyxWebhook(request, config(), clock.now() + 301_000)).toBe(false);
      expect(isTelnyxWebhook(request, config(), clock.now() - 301_000)).toBe(false);
    },
  );

  it.each(VECTORS)('fits nothing else than what it was made for: %s', (_, body, signature) => {
    const mutations = mutationsOf(toRequest(body, signature), webhooks);
    const believed = [...mutations].filter(([, mutated]) => isTelnyxWebhook(mutated, config(), clock.now()));
    expect(believed.map(([change]) => change)).toEqual([]);
    refused += mutations.size;
  });

  it('is accepted by the SDK whenever we accept it', async () => {
    const sdk = new Telnyx({ apiKey: 'KEY', publicKey: PUBLIC_KEY });
    const text = webhooks.sign(
      webhooks.message({ messageId: 'm', from: '+12025550101', to: '+12155550150', body: 'ä 🚪' }),
    );
    const headers = text.headers as Record<string, string>;
    const event = await sdk.webhooks.unwrap(new TextDecoder().decode(text.rawBody), { headers });
    expect(event).toMatchObject({ data: { payload: { text: 'ä 🚪' } } });
    expect(isTelnyxWebhook(text, config(), clock.now())).toBe(true);
    const call = webhooks.sign(webhooks.answer({ callId: 'v3:1', from: null, to: '+12155550150' }));
    await judge.verify(new TextDecoder().decode(call.rawBody), call.headers as Record<string, string>);
    expect(isTelnyxWebhook(call, config(), clock.now())).toBe(true);
  });

  it('has one spelling', () => {
    const [, body, signature] = VECTORS[0];
    expect(isTelnyxWebhook(toRequest(body, respell(signature, 'base64')), config(), clock.now())).toBe(false);
  });

  it('is not believed on a GET, nor over a time that is none', () => {
    const [, body, signature] = VECTORS[1];
    const request = toRequest(body, signature);
    expect(isTelnyxWebhook({ ...request, method: 'GET' }, config(), clock.now())).toBe(false);
    const empty = { ...request, rawBody: new Uint8Array(), url: `${request.url}?${body}` };
    for (const timestamp of [
      '',
      '0',
      `0${VECTOR_TIME}`,
      `+${VECTOR_TIME}`,
      `${VECTOR_TIME}.0`,
      '1e9',
      'now',
    ]) {
      const signed = Buffer.concat([Buffer.from(`${timestamp}|`), request.rawBody]);
      const forged = sign(null, signed, privateKeyOf(ACCOUNT_SEED)).toString('base64');
      const headers = { 'telnyx-timestamp': timestamp, 'telnyx-signature-ed25519': forged };
      expect(isTelnyxWebhook({ ...request, headers }, config(), clock.now())).toBe(false);
    }
    expect(isTelnyxWebhook(empty, config(), clock.now())).toBe(false);
  });

  it('may be made with the key before the last while it is rotated', () => {
    const [, body, signature] = VECTORS[0];
    const rotated = { publicKey: publicKeyOf(OTHER_SEED) };
    const during = config({ ...rotated, previousPublicKey: PUBLIC_KEY });
    expect(isTelnyxWebhook(toRequest(body, signature), during, clock.now())).toBe(true);
    expect(isTelnyxWebhook(toRequest(body, signature), config(rotated), clock.now())).toBe(false);
  });
});

describe('a webhook of Telnyx', () => {
  const NOW = Date.UTC(2026, 0, 1);
  const parse = (kind: 'answer' | 'status', fields: Record<string, string>) =>
    parseTelnyxWebhook(kind, { ...form(kind, fields), remoteAddress: '' }, NOW);
  const parseText = (payload: object, event_type = 'message.received') =>
    parseTelnyxWebhook('message', { ...json({ data: { event_type, payload } }), remoteAddress: '' }, NOW);
  const call = { CallSid: 'v3:a', From: '+12025550101', To: '+12155550150' };

  it.each([
    ...['', 'anonymous', 'Anonymous', 'Restricted', 'unknown', 'Unavailable', 'private', '0', '+0', '+000'],
    ...['266696687', '7378742833', '8656696', '2562533', '86282452253', '12025550101'],
    ...['+266696687', '+7378742833', '+8656696', '+2562533', '+86282452253'],
    ...['anonymous@anonymous.invalid', 'sip:+12025550101@sip.telnyx.com', 'client:driver', '112', '+40404'],
  ])('takes "%s" for no caller', (From) => {
    expect(parse('answer', { ...call, From })).toMatchObject({ request: { callingNumber: null } });
  });

  it.each([
    [{ ShakenStirAttestation: 'A', ShakenStirValidated: 'true' }, 'A'],
    [{ ShakenStirAttestation: 'C', ShakenStirValidated: 'True' }, 'C'],
    [{ ShakenStirAttestation: 'A', ShakenStirValidated: 'false' }, 'failed'],
    [{ ShakenStirAttestation: 'A' }, null],
    [{ ShakenStirValidated: 'true' }, null],
    [{ ShakenStirAttestation: 'D', ShakenStirValidated: 'true' }, null],
  ])('vouches for the caller with %o as far as it was checked', (fields, attestation) => {
    expect(parse('answer', { ...call, ...fields })).toMatchObject({ request: { attestation } });
  });

  const leg = { CallSid: 'v3:b', ParentCallSid: 'v3:a' };
  const ended = (legStatus: object) => ({ callback: { providerCallId: 'v3:a', legStatus } });
  it.each([
    [{ ...leg, CallStatus: 'initiated' }, { kind: 'ignored' }],
    [{ ...leg, CallStatus: 'answered' }, ended({ status: 'answered', at: NOW })],
    [
      { ...leg, CallStatus: 'completed', HangupCause: 'timeout', CallDuration: '0' },
      ended({ termination: 'no_answer', durationSeconds: 0 }),
    ],
    [
      { ...leg, CallStatus: 'completed', HangupCause: 'call_rejected' },
      ended({ termination: 'busy', nativeCause: 'call_rejected' }),
    ],
    [{ ...leg, CallStatus: 'completed', HangupCause: 'something_new' }, ended({ termination: 'completed' })],
    [
      { ...leg, CallStatus: 'failed', HangupCause: 'to +12025550101', CallDuration: '-1' },
      ended({ termination: 'failed', nativeCause: null, durationSeconds: null }),
    ],
    [{ ...call, CallStatus: 'ringing' }, { kind: 'ignored' }],
    [{ ...call, CallStatus: 'in-progress' }, { kind: 'ignored' }],
    [{ ...call, CallStatus: 'completed', CallDuration: '40' }, { kind: 'ignored' }],
    [{ ...call, CallStatus: 'completed', CallDuration: '0' }, ended({ termination: 'cancelled' })],
    [{ ...call, CallStatus: 'canceled' }, ended({ termination: 'cancelled', nativeCause: 'canceled' })],
    [
      {
        ...call,
        ParentCallSid: 'v3:a',
        CallStatus: 'completed',
        CallDuration: '70',
        DialCallStatus: 'completed',
        DialCallDuration: '61',
      },
      ended({ termination: 'completed', durationSeconds: 61 }),
    ],
    [
      { ...call, CallStatus: 'completed', CallDuration: '20', DialCallStatus: 'no-answer' },
      ended({ termination: 'no_answer', durationSeconds: null }),
    ],
  ])('reports %o', (fields, reading) => {
    expect(parse('status', fields)).toMatchObject(reading);
  });

  it.each([
    ['2021-04-28 21:51:18.731479Z', Date.UTC(2021, 3, 28, 21, 51, 18, 731)],
    ['2024-01-15T10:30:00Z', Date.UTC(2024, 0, 15, 10, 30)],
    ['Mon, 15 Jan 2024 10:30:00 +0000', Date.UTC(2024, 0, 15, 10, 30)],
    ['2024-13-15T10:30:00Z', NOW],
    ['yesterday', NOW],
    ['2', NOW],
  ])('happened at %s', (Timestamp, at) => {
    expect(parse('status', { ...leg, CallStatus: 'ringing', Timestamp })).toMatchObject({
      callback: { legStatus: { at } },
    });
  });

  it('is not passed on when Telnyx itself has answered it, and only then', () => {
    const text = { id: 'm', from: { phone_number: '+12025550101' }, to: [{ phone_number: '+12155550150' }] };
    for (const autoresponse_type of ['STOP', 'START', 'HELP', 'JOIN']) {
      expect(parseText({ ...text, text: 'End', autoresponse_type })).toMatchObject({ kind: 'ignored' });
    }
    for (const autoresponse_type of [null, '', undefined]) {
      expect(parseText({ ...text, text: 'End', autoresponse_type })).toMatchObject({
        message: { body: 'End' },
      });
    }
  });

  it('brings texts to one of us, and counts what comes with them', () => {
    const text = { id: 'm', from: { phone_number: '+12025550101' }, text: 'Hi', media: [{}, {}] };
    const us = { phone_number: '+12155550150' };
    expect(parseText({ ...text, to: [us] })).toMatchObject({
      message: { attachments: 2, calledNumber: '+12155550150' },
    });
    const kept = 'https://media.telnyx.example/1?sig=a%2Fb';
    const media = [
      { url: kept, size: 7 },
      { url: 'http://x.example/' },
      { url: 'https://me@x.example/' },
      'x',
      null,
    ];
    expect(parseText({ ...text, to: [us], media })).toMatchObject({
      message: { attachments: 5, mediaUrls: [kept] },
    });
    expect(parseText({ ...text, to: [us, us] })).toMatchObject({ message: { calledNumber: null } });
    expect(parseText({ ...text, to: [us] }, 'message.finalized')).toMatchObject({ kind: 'ignored' });
    expect(() => parseText({ ...text, id: 7 })).toThrow(expect.objectContaining({ code: 'malformed' }));
  });
});
