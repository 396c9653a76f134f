import { readFileSync } from 'node:fs';
import plivo from 'plivo';
import { afterAll, describe, expect, it } from 'vitest';
import { mutationsOf } from '../conformance-mutations.ts';
import type { WebhookRequest } from '../provider.ts';
import { respell } from '../testing/respell.ts';
import { isPlivoWebhook, parsePlivoWebhook } from './plivo-webhooks.ts';
import { AUTH_TOKEN } from './testing/plivo-operator.ts';
import { plivoWebhooks, post } from './testing/plivo-bench.ts';

interface Vector {
  readonly name: string;
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly token: string;
  readonly nonce: string;
  readonly params: Readonly<Record<string, string>>;
  readonly signature: string;
}

const { official, ours } = JSON.parse(
  readFileSync(new URL('./testing/plivo-vectors.json', import.meta.url), 'utf8'),
) as { official: Omit<Vector, 'name'>[]; ours: Omit<Vector, 'name'>[] };
const VECTORS: Vector[] = [...official, ...ours].map((each) => ({
  ...each,
  name: `${each.method} ${each.url}`,
}));

/** As the request arrives: the parameters of a GET are in its query. */
function toRequest({ method, url, nonce, params, signature }: Vector): WebhookRequest {
  const query = new URLSearchParams(params).toString();
  const joined = `${url}${url.includes('?') ? '&' : '?'}${query}`;
  return {
    method,
    url: method === 'GET' ? joined.replace('?&', '?') : url,
    headers: { 'x-plivo-signature-v3': signature, 'x-plivo-signature-v3-nonce': nonce },
    rawBody: new TextEncoder().encode(method === 'POST' ? query : ''),
    remoteAddress: '192.0.2.7',
  };
}

describe('the signature of Plivo', () => {
  let refused = 0;
  afterAll(() => {
    // SEC-01: far more than the 80 that are asked of every provider.
    expect(refused).toBeGreaterThanOrEqual(80);
  });

  it.each(VECTORS)('is the one that the vendor publishes and its SDK accepts: $name', (vector) => {
    const { method, url, nonce, token, signature, params } = vector;
    expect(plivo.validateV3Signature(method, url, nonce, token, signature, params)).toBe(true);
    expect(isPlivoWebhook(toRequest(vector), [token])).toBe(true);
  });

  it.each(VECTORS)('fits nothing else than what it was made for: $name', (vector) => {
    const request = toRequest(vector);
    const mutations = mutationsOf(request, plivoWebhooks);
    const believed = [...mutations].filter(([, mutated]) => isPlivoWebhook(mutated, [vector.token]));
    expect(believed.map(([change]) => change)).toEqual([]);
    refused += mutations.size;
  });

  it('is accepted by the SDK whenever we accept it', () => {
    for (const webhook of [
      plivoWebhooks.answer({ callId: 'call-1', from: '+12025550101', to: '+12155550150', digits: '42' }),
      plivoWebhooks.status({ callId: 'call-1', event: 'answered', at: 0 }),
      plivoWebhooks.message({
        messageId: 'm-1',
        from: '+12025550101',
        to: '+12155550150',
        body: 'ä & "b" = 🚪',
      }),
    ]) {
      const { method, url, headers, rawBody } = plivoWebhooks.sign(webhook);
      const params = Object.fromEntries(new URLSearchParams(new TextDecoder().decode(rawBody)));
      const [signature = '', nonce = ''] = plivoWebhooks.proofHeaders.map((name) => headers[name]);
      expect(plivo.validateV3Signature(method, url, nonce, AUTH_TOKEN, signature, params)).toBe(true);
    }
  });

  const request = plivoWebhooks.sign(plivoWebhooks.answer({ callId: 'c', from: null, to: '+12155550150' }));
  const signature = request.headers['x-plivo-signature-v3'] ?? '';
  const withHeaders = (headers: Record<string, string | undefined>): WebhookRequest => ({
    ...request,
    headers: { ...request.headers, 'x-plivo-signature-v3': undefined, ...headers },
  });

  it('may be one of a list, and may be the main account’s', () => {
    const other = `${'A'.repeat(43)}=`;
    const believes = (headers: Record<string, string | undefined>) =>
      isPlivoWebhook(withHeaders(headers), ['another token', AUTH_TOKEN]);
    expect(believes({ 'x-plivo-signature-v3': `${other},${signature}` })).toBe(true);
    expect(believes({ 'x-plivo-signature-v3': `${signature}, ${other}` })).toBe(true);
    expect(believes({ 'x-plivo-signature-ma-v3': signature })).toBe(true);
    expect(believes({ 'x-plivo-signature-v3': other, 'x-plivo-signature-ma-v3': signature })).toBe(true);
    expect(believes({})).toBe(false);
    expect(believes({ 'x-plivo-signature-v3': other })).toBe(false);
    expect(believes({ 'x-plivo-signature-v3': `${signature},${signature}` })).toBe(false);
    expect(believes({ 'x-plivo-signature-v3': `${signature},` })).toBe(false);
    expect(believes({ 'x-plivo-signature-v3': `${signature},x` })).toBe(false);
    expect(believes({ 'x-plivo-signature-v3': respell(signature, 'base64') })).toBe(false);
    const five = ['A', 'E', 'I', 'M'].map((first) => `${first}${'A'.repeat(42)}=`);
    expect(believes({ 'x-plivo-signature-v3': [...five, signature].join(',') })).toBe(false);
  });

  it('is worth nothing with the secret of V2, which does not cover the body', () => {
    const v2 = {
      'x-plivo-signature-v2': 'ehV3IKhLysWBxC1sy8INm0qGoQYdYsHwuoKjsX7FsXc=',
      'x-plivo-signature-v2-nonce': '12345',
    };
    expect(isPlivoWebhook(withHeaders(v2), ['my_auth_token'])).toBe(false);
  });
});

describe('a webhook of Plivo', () => {
  const NOW = Date.UTC(2026, 0, 1);
  const parse = (kind: 'answer' | 'status' | 'message', fields: Record<string, string>) =>
    parsePlivoWebhook(kind, { ...post(kind, fields), remoteAddress: '' }, NOW);
  const call = { CallUUID: 'c-1', From: '12025550101', To: '12155550150', Event: 'StartApp' };

  it.each(['12025550101', '+12025550101'])('may name the caller as %s', (From) => {
    expect(parse('answer', { ...call, From })).toMatchObject({ request: { calledNumber: '+12155550150' } });
    const parsed = parse('answer', { ...call, From });
    expect(parsed.kind === 'answer' && parsed.request.callingNumber?.reveal()).toBe('+12025550101');
  });

  it.each([
    ...[
      '',
      'anonymous',
      'Anonymous',
      'restricted',
      'unknown',
      'unavailable',
      'private',
      'blocked',
      '0',
      '000',
    ],
    ...['266696687', '7378742833', '8656696', '2562533', '86282452253'],
    ...['+266696687', '+7378742833', '+8656696', '+2562533', '+86282452253'],
    ...['anonymous@anonymous.invalid', 'sip:12025550101@example.com', 'client:driver', '112', '611', '40404'],
    ...[
      '02025550101',
      '+02025550101',
      '2025550101x',
      ' 12025550101',
      '12025550101 ',
      '1-202-555-0101',
      '１２０２５５５０１０１',
    ],
  ])('takes "%s" for no caller', (From) => {
    expect(parse('answer', { ...call, From })).toMatchObject({
      kind: 'answer',
      request: { callingNumber: null },
    });
  });

  it('may come as a GET, where the query says everything', () => {
    const { url } = post('answer', {});
    const request = {
      method: 'GET',
      url: `${url}?${new URLSearchParams(call)}`,
      headers: {},
      rawBody: new Uint8Array(),
      remoteAddress: '',
    };
    expect(parsePlivoWebhook('answer', request, NOW)).toMatchObject({
      kind: 'answer',
      request: { providerCallId: 'c-1' },
    });
  });

  it.each([
    [{ STIRVerification: 'Verified' }, 'A'],
    [{ STIRVerification: 'Verified', STIRAttestation: 'B' }, 'failed'],
    [{ STIRVerification: 'Not Verified', STIRAttestation: 'A' }, 'failed'],
    [{ STIRVerification: 'Not Verified', STIRAttestation: 'C' }, 'C'],
    [{ STIRVerification: 'Not Verified' }, null],
    [{ STIRVerification: 'Not Applicable', STIRAttestation: 'A' }, null],
    [{ STIRAttestation: 'A' }, null],
  ])('vouches for the caller with %o as far as it says', (fields, attestation) => {
    expect(parse('answer', { ...call, ...fields })).toMatchObject({ request: { attestation } });
  });

  it('is refused when a field that decides something comes twice', () => {
    const rawBody = new TextEncoder().encode(`${new URLSearchParams(call)}&From=12025550102`);
    const twice = { ...post('answer', {}), rawBody, remoteAddress: '' };
    expect(() => parsePlivoWebhook('answer', twice, NOW)).toThrow(/more than once/);
    expect(() => parse('answer', { ...call, Digits: '12;34' })).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
  });

  it('counts the attachments of a picture message and reads its text', () => {
    const fields = {
      MessageUUID: 'm',
      From: '12025550101',
      To: '12155550150',
      Type: 'mms',
      Body: 'See?',
      MediaCount: '2',
      Media0: 'https://a',
      Media1: 'https://b',
    };
    expect(parse('message', fields)).toMatchObject({ message: { body: 'See?', attachments: 2 } });
  });

  it('is not passed on when Plivo itself has answered it, and only then', () => {
    const text = { MessageUUID: 'm', From: '12025550101', To: '12155550150', Type: 'sms', Text: 'QUIT' };
    for (const MessageIntent of ['optout', 'optin', 'help']) {
      expect(parse('message', { ...text, MessageIntent }), MessageIntent).toMatchObject({ kind: 'ignored' });
    }
    for (const MessageIntent of ['', 'something new']) {
      expect(parse('message', { ...text, MessageIntent })).toMatchObject({ message: { body: 'QUIT' } });
    }
  });

  const leg = { DialALegUUID: 'a', DialBLegUUID: 'b', CallUUID: 'a' };
  it.each([
    [
      { ...leg, DialAction: 'connected' },
      { kind: 'status', callback: { legStatus: { status: 'answered', at: NOW } } },
    ],
    [{ ...leg, DialAction: 'digits', DialDigitsMatch: '1' }, { kind: 'ignored' }],
    [{ CallUUID: 'a', RecordingID: 'r', Event: 'RecordStop' }, { kind: 'ignored' }],
    [{ CallUUID: 'a', Event: 'Hangup', Duration: '12', HangupCause: 'NORMAL_CLEARING' }, { kind: 'ignored' }],
    [
      { CallUUID: 'a', Event: 'Hangup', Duration: '0', HangupCause: 'ORIGINATOR_CANCEL' },
      { callback: { providerCallId: 'a', legStatus: { termination: 'cancelled', durationSeconds: 0 } } },
    ],
    [
      {
        ...leg,
        DialAction: 'hangup',
        DialBLegDuration: '0',
        DialBLegHangupCauseName: 'Normal Hangup',
        DialBLegHangupSource: 'Caller',
      },
      { callback: { legStatus: { termination: 'cancelled', nativeCause: 'Normal Hangup' } } },
    ],
    [
      { ...leg, DialAction: 'hangup', DialBLegDuration: '3600', DialBLegHangupCause: 'ALLOTTED_TIMEOUT' },
      { callback: { legStatus: { termination: 'time_limit', durationSeconds: 3600 } } },
    ],
    [
      { ...leg, DialAction: 'hangup', DialBLegDuration: 'long', DialBLegHangupCause: 'gone to 12025550101' },
      { callback: { legStatus: { termination: 'failed', durationSeconds: null, nativeCause: null } } },
    ],
  ])('reports %o', (fields, reading) => {
    expect(parse('status', fields)).toMatchObject(reading);
  });

  it.each([
    ['2026-01-01 00:01:10', NOW + 70_000],
    ['2025-12-31 23:50:00.123456', NOW - 600_000 + 123],
    ['2026-01-01 05:30:00', NOW],
    ['2026-01-01T00:01:10Z', NOW],
    ['2026-13-01 00:01:10', NOW],
    ['', NOW],
  ])('ended at %s, if that can be', (EndTime, at) => {
    const end = { ...leg, DialAction: 'hangup', DialBLegHangupCause: 'NORMAL_CLEARING', EndTime };
    expect(parse('status', end)).toMatchObject({ callback: { legStatus: { at } } });
    const gaveUp = { CallUUID: 'a', Event: 'Hangup', Duration: '0', EndTime };
    expect(parse('status', gaveUp)).toMatchObject({ callback: { legStatus: { at } } });
  });

  it('is about a call, or malformed', () => {
    expect(() => parse('status', { DialAction: 'hangup' })).toThrow(/DialALegUUID/);
    expect(() => parse('answer', { ...call, CallUUID: 'x'.repeat(101) })).toThrow(/longer/);
    expect(parse('answer', { ...call, Event: 'Hangup' })).toMatchObject({ kind: 'ignored' });
  });
});
