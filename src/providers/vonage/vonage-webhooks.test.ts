import { createHash, generateKeyPairSync, sign as signAsymmetric } from 'node:crypto';
import { verifySignature } from '@vonage/jwt';
import { afterAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../lib/manual-clock.ts';
import { mutationsOf } from '../conformance-mutations.ts';
import type { WebhookRequest } from '../provider.ts';
import { CREDENTIALS, jwt, post, SIGNATURE_SECRET, vonageWebhooks } from './testing/vonage-bench.ts';
import { API_KEY } from './testing/vonage-operator.ts';
import { respell } from '../testing/respell.ts';
import { readVonageConfig } from './vonage-config.ts';
import { isVonageWebhook } from './vonage-signature.ts';
import { parseVonageWebhook } from './vonage-webhooks.ts';

/** From the vendor's SDK; see the signature table of the provider notes. */
const VECTOR = {
  secret: 'test_signature_secret_of_32_bytes!',
  apiKey: 'a1b2c3d',
  at: 1_767_323_045_000,
  body: '{"from":"14155550101","to":"14155550199","uuid":"aaaaaaaa-bbbb-cccc-dddd-0123456789ab","conversation_uuid":"CON-aaaaaaaa-bbbb-cccc-dddd-0123456789ab"}',
  token:
    'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3NjczMjMwNDUsImp0aSI6ImM1YmE4ZjI0LTFhMTQtNGMxMC1iZmRmLTNmYmU4Y2U1MTFiNSIsImlzcyI6IlZvbmFnZSIsInBheWxvYWRfaGFzaCI6ImJiZDE1ZTUxMzNkZTJkMzc5YjU2ZGJlZGUyNmMzMDAwMjFiNzdjZTM2ZTU1Njk1NGNlMGU5MWM1OTRjNGVmY2EiLCJhcGlfa2V5IjoiYTFiMmMzZCIsImFwcGxpY2F0aW9uX2lkIjoiYWFhYWFhYWEtYmJiYi1jY2NjLWRkZGQtMDEyMzQ1Njc4OWFiIn0.EUn-w-tz48KnX42cJ7Jj0iVMv4Bv2XZ-Sojuwj3N8PA',
};

const config = (change: object = {}) =>
  readVonageConfig({ settings: {}, credentials: { ...CREDENTIALS, ...change } });

describe('the signature of Vonage', () => {
  const clock = new ManualClock();
  const webhooks = vonageWebhooks(clock);
  const genuine = webhooks.sign(webhooks.answer({ callId: 'CON-1', from: null, to: '+12155550150' }));
  const hash = createHash('sha256').update(genuine.rawBody).digest('hex');
  const claims = { iat: clock.now() / 1000, jti: 'j', iss: 'Vonage', payload_hash: hash, api_key: API_KEY };
  const believed = (token: string, change: Partial<WebhookRequest> = {}, at = clock.now()) =>
    isVonageWebhook({ ...genuine, headers: { authorization: `Bearer ${token}` }, ...change }, config(), at);
  let refused = 0;
  afterAll(() => {
    expect(refused).toBeGreaterThanOrEqual(80);
  });

  const vector: WebhookRequest = {
    method: 'POST',
    url: 'https://vn.example.com/hooks/vonage/answer',
    headers: { authorization: `Bearer ${VECTOR.token}` },
    rawBody: new TextEncoder().encode(VECTOR.body),
    remoteAddress: '',
  };
  const vectorConfig = config({ signatureSecret: VECTOR.secret, apiKey: VECTOR.apiKey });

  it('is the one of the vector, which the vendor’s SDK accepts', () => {
    expect(verifySignature(VECTOR.token, VECTOR.secret)).toBe(true);
    expect(isVonageWebhook(vector, vectorConfig, VECTOR.at)).toBe(true);
  });

  it('is accepted by the SDK whenever we accept it', () => {
    for (const webhook of [
      genuine,
      webhooks.sign(webhooks.status({ callId: 'CON-1', event: 'ringing', at: 0 })),
      webhooks.sign(
        webhooks.message({ messageId: 'm', from: '+12025550101', to: '+12155550150', body: 'ä' }),
      ),
    ]) {
      const token = webhook.headers.authorization?.replace('Bearer ', '') ?? '';
      expect(verifySignature(token, SIGNATURE_SECRET)).toBe(true);
      expect(isVonageWebhook(webhook, config(), clock.now())).toBe(true);
    }
  });

  it.each([
    ['the vector', vector, vectorConfig, VECTOR.at],
    ['a call', genuine, config(), clock.now()],
    [
      'a text',
      webhooks.sign(
        webhooks.message({ messageId: 'm', from: '+12025550101', to: '+12155550150', body: 'Hi' }),
      ),
      config(),
      clock.now(),
    ],
  ])('fits nothing else than what it was made for: %s', (_, request, by, at) => {
    const mutations = mutationsOf(request, webhooks);
    const wrong = [...mutations].filter(([, mutated]) => isVonageWebhook(mutated, by, at));
    expect(wrong.map(([change]) => change)).toEqual([]);
    refused += mutations.size;
  });

  const without = (claim: keyof typeof claims) => ({ ...claims, [claim]: undefined });
  const hs256 = { alg: 'HS256', typ: 'JWT' };
  it.each([
    ['no algorithm', { alg: 'none' }, claims],
    ['an algorithm in other letters', { alg: 'hs256' }, claims],
    ['a longer hash than it says', { alg: 'HS512' }, claims],
    ['the SDK’s other algorithm', { alg: 'RS256' }, claims],
    ['another type', { alg: 'HS256', typ: 'JWE' }, claims],
    ['no header', {}, claims],
    ['no body hash', hs256, without('payload_hash')],
    ['the hash of another body', hs256, { ...claims, payload_hash: createHash('sha256').digest('hex') }],
    ['the hash in capitals', hs256, { ...claims, payload_hash: hash.toUpperCase() }],
    ['no time', hs256, without('iat')],
    ['a time in words', hs256, { ...claims, iat: String(claims.iat) }],
    ['a time in milliseconds', hs256, { ...claims, iat: clock.now() }],
    ['an end long ago', hs256, { ...claims, exp: claims.iat - 301 }],
    ['another issuer', hs256, { ...claims, iss: 'Nexmo' }],
    ['no issuer', hs256, without('iss')],
    ['another account', hs256, { ...claims, api_key: 'zzzzzzz' }],
    ['no account', hs256, without('api_key')],
  ])('is not believed with %s', (_, header, said) => {
    expect(believed(jwt(hs256, claims, SIGNATURE_SECRET))).toBe(true);
    expect(believed(jwt(header, said, SIGNATURE_SECRET))).toBe(false);
    refused++;
  });

  it('is not believed without a signature, nor with one by another kind of key', () => {
    const [header = '', said = ''] = jwt({ alg: 'none' }, claims, '').split('.');
    expect(believed(`${header}.${said}.`)).toBe(false);
    expect(believed(`${header}.${said}`)).toBe(false);
    // The trap of accepting both: the public key, known to everybody, taken for the HMAC secret, and RS256 as such.
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    expect(believed(jwt(hs256, claims, pem))).toBe(false);
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`;
    const rsa = signAsymmetric('sha256', Buffer.from(signed), privateKey).toString('base64url');
    expect(verifySignature(`${signed}.${rsa}`, pem)).toBe(true);
    expect(believed(`${signed}.${rsa}`)).toBe(false);
    expect(believed(respell(jwt(hs256, claims, SIGNATURE_SECRET), 'base64url'))).toBe(false);
    expect(isVonageWebhook({ ...genuine, headers: {} }, config(), clock.now())).toBe(false);
    expect(believed(jwt(hs256, { ...claims, padding: 'x'.repeat(5_000) }, SIGNATURE_SECRET))).toBe(false);
  });

  it('is not believed on a GET, whose contents it does not cover', () => {
    const token = jwt(hs256, claims, SIGNATURE_SECRET);
    expect(believed(token, { method: 'GET' })).toBe(false);
    expect(believed(token, { url: `${genuine.url}?from=12025550101` })).toBe(false);
  });

  it('may be made with the secret before the last while it is rotated', () => {
    const rotated = { signatureSecret: SIGNATURE_SECRET.toUpperCase() };
    const during = config({ ...rotated, previousSignatureSecret: SIGNATURE_SECRET });
    expect(isVonageWebhook(genuine, during, clock.now())).toBe(true);
    expect(isVonageWebhook(genuine, config(rotated), clock.now())).toBe(false);
  });
});

describe('a webhook of Vonage', () => {
  const parse = (kind: 'answer' | 'status' | 'message', body: unknown) =>
    parseVonageWebhook(kind, { ...post(kind, body as object), remoteAddress: '' });
  const call = { conversation_uuid: 'CON-1', uuid: 'u', from: '12025550101', to: '12155550150' };

  it.each(['12025550101', '+12025550101'])('may name the caller as %s', (from) => {
    const parsed = parse('answer', { ...call, from });
    expect(parsed).toMatchObject({ request: { providerCallId: 'CON-1', calledNumber: '+12155550150' } });
    expect(parsed.kind === 'answer' && parsed.request.callingNumber?.reveal()).toBe('+12025550101');
  });

  it.each([
    ...[null, undefined, '', 'anonymous', 'Restricted', 'unknown', 'Unavailable', 'private', '0', '000'],
    ...['266696687', '7378742833', '8656696', '2562533', '86282452253'],
    ...['+266696687', '+7378742833', '+8656696', '+2562533', '+86282452253'],
    ...['anonymous@anonymous.invalid', 'sip:12025550101@example.com', 'client:driver', '112', '40404'],
    ...['02025550101', ' 12025550101', '12025550101;ext=1'],
  ])('takes "%s" for no caller', (from) => {
    expect(parse('answer', { ...call, from })).toMatchObject({ request: { callingNumber: null } });
  });

  it('brings digits in either of two forms, or none in time', () => {
    expect(parse('answer', { ...call, dtmf: '12' })).toMatchObject({ request: { digits: '12' } });
    const late = { digits: '', timed_out: true };
    expect(parse('answer', { ...call, dtmf: late })).toMatchObject({ request: { digits: null } });
    expect(() => parse('answer', { ...call, dtmf: { digits: '1;2' } })).toThrow(/digits/);
  });

  const at = '2026-01-02T03:04:05.678Z';
  const leg = { conversation_uuid: 'CON-1', uuid: 'b', direction: 'outbound', timestamp: at };
  it.each([
    [{ ...leg, status: 'started' }, { kind: 'ignored' }],
    [{ ...leg, status: 'machine' }, { kind: 'ignored' }],
    [{ ...leg, direction: 'inbound', status: 'ringing' }, { kind: 'ignored' }],
    [{ ...leg, direction: 'inbound', status: 'answered' }, { kind: 'ignored' }],
    [{ ...leg, direction: 'inbound', status: 'completed', duration: '30' }, { kind: 'ignored' }],
    [
      { ...leg, direction: 'inbound', status: 'completed', duration: '0' },
      { callback: { legStatus: { termination: 'cancelled' } } },
    ],
    [
      { ...leg, direction: 'inbound', status: 'unanswered' },
      { callback: { legStatus: { termination: 'cancelled' } } },
    ],
    [
      { ...leg, status: 'unanswered' },
      { callback: { legStatus: { termination: 'no_answer', durationSeconds: null } } },
    ],
    [
      { ...leg, status: 'rejected', detail: 'declined' },
      { callback: { legStatus: { termination: 'busy', nativeCause: 'rejected/declined' } } },
    ],
    [
      { ...leg, status: 'rejected', detail: 'restricted' },
      { callback: { legStatus: { termination: 'failed' } } },
    ],
    [
      { ...leg, status: 'failed', detail: 'to +12025550101' },
      { callback: { legStatus: { nativeCause: 'failed' } } },
    ],
    [
      { ...leg, status: 'completed', duration: 'long' },
      { callback: { legStatus: { durationSeconds: null, at: Date.parse(at) } } },
    ],
    [{ message_uuid: 'm', status: 'delivered', timestamp: at }, { kind: 'ignored' }],
  ])('reports %o', (body, reading) => {
    expect(parse('status', body)).toMatchObject(reading);
  });

  it('says when something happened, or is malformed', () => {
    for (const timestamp of [undefined, '', '2', '2026-01-02', '2026-13-02T03:04:05Z', 'yesterday']) {
      expect(() => parse('status', { ...leg, status: 'answered', timestamp })).toThrow(/time/);
    }
  });

  it('brings texts, and counts what comes with them', () => {
    const text = { message_uuid: 'm', from: '12025550101', to: '12155550150', channel: 'sms' };
    expect(parse('message', { ...text, message_type: 'image', image: { url: 'https://x' } })).toMatchObject({
      message: { attachments: 1, body: '' },
    });
    const picture = { ...text, message_type: 'image', file: { caption: 'of another part' } };
    for (const [image, body] of [
      [{ url: 'https://x', caption: 'My door' }, 'My door'],
      [{ caption: 7 }, ''],
      [null, ''],
      ['https://x', ''],
    ] as const) {
      expect(parse('message', { ...picture, image })).toMatchObject({ message: { attachments: 1, body } });
    }
    const older = {
      ...text,
      from: { type: 'sms', number: '12025550101' },
      to: { number: '12155550150' },
      text: 'Hi',
    };
    expect(parse('message', older)).toMatchObject({ message: { body: 'Hi', calledNumber: '+12155550150' } });
    // The older SMS API signs otherwise, and names its fields otherwise.
    expect(() =>
      parse('message', { msisdn: '12025550101', to: '12155550150', messageId: 'm', text: 'x' }),
    ).toThrow(expect.objectContaining({ code: 'malformed' }));
  });
});
