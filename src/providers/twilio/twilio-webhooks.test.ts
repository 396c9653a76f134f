import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../lib/manual-clock.ts';
import type { ParsedWebhook, WebhookKind } from '../provider.ts';
import { ACCOUNT_SID, AUTH_TOKEN, formWebhook, WEBHOOK_BASE } from './testing/twilio-bench.ts';
import { createTwilioProvider } from './twilio-provider.ts';

const clock = new ManualClock();
const provider = createTwilioProvider(
  { settings: {}, credentials: { accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN } },
  { clock },
);

function parse(kind: WebhookKind, fields: Record<string, string>): ParsedWebhook {
  const webhook = formWebhook(`${WEBHOOK_BASE}/${kind}`, fields);
  return provider.parseWebhook(kind, { ...webhook, remoteAddress: '' });
}

const CALL = { AccountSid: ACCOUNT_SID, CallSid: 'CA1', From: '+12025550101', To: '+12155550150' };

describe('an answer webhook of Twilio', () => {
  it.each([
    ['TN-Validation-Passed-A', 'A'],
    ['TN-Validation-Passed-B', 'B'],
    ['TN-Validation-Passed-C', 'C'],
    ['TN-Validation-Failed-A', 'failed'],
    ['TN-Validation-Failed-B', 'failed'],
    ['TN-Validation-Failed-C', 'failed'],
    ['TN-Validation-Failed', 'failed'],
    ['No-TN-Validation', null],
    ['TN-Validation-Passed-D', null],
    ['', null],
  ])('with the verdict %j vouches for %j', (verdict, attestation) => {
    expect(parse('answer', { ...CALL, StirVerstat: verdict })).toMatchObject({ request: { attestation } });
  });

  it.each([
    ...['anonymous', 'Anonymous', 'restricted', 'unknown', 'blocked', 'unavailable', 'Private', ''],
    ...['266696687', '7378742833', '8656696', '2562533', '86282452253'],
    ...['+266696687', '+7378742833', '+8656696', '+2562533', '+86282452253'],
    ...['anonymous@anonymous.invalid', 'sip:alice@example.com', 'client:alice', 'whatsapp:+12025550101'],
    ...['12345', '+12345', '911', '12025550101', ' 12025550101'],
  ])('from %j is of nobody known', (from) => {
    expect(parse('answer', { ...CALL, From: from })).toMatchObject({ request: { callingNumber: null } });
  });

  it('is read from From and To, whatever Caller and Called say', () => {
    const swapped = { ...CALL, Caller: CALL.To, Called: CALL.From };
    const parsed = parse('answer', swapped);
    expect(parsed).toMatchObject({ request: { providerCallId: 'CA1', calledNumber: '+12155550150' } });
    expect(parsed.kind === 'answer' && parsed.request.callingNumber?.reveal()).toBe('+12025550101');
  });

  it('is read from the query of a GET, which is what is signed then', () => {
    const query = new URLSearchParams({ ...CALL, Digits: '0042' });
    const webhook = { method: 'GET', url: `${WEBHOOK_BASE}/answer?${query}`, headers: {}, remoteAddress: '' };
    expect(provider.parseWebhook('answer', { ...webhook, rawBody: new Uint8Array() })).toMatchObject({
      request: { providerCallId: 'CA1', calledNumber: '+12155550150', digits: '0042' },
    });
  });

  it.each(['', 'abc', '1'.repeat(21), '1 2', '0042w'])('takes %j for no digits', (digits) => {
    expect(parse('answer', { ...CALL, Digits: digits })).toMatchObject({ request: { digits: null } });
  });

  it('is refused when a field that decides comes twice, or is of another account', () => {
    for (const name of ['From', 'To', 'CallSid', 'StirVerstat', 'AccountSid', 'Digits']) {
      const webhook = formWebhook(`${WEBHOOK_BASE}/answer`, { StirVerstat: '', Digits: '1', ...CALL });
      const rawBody = Buffer.from(`${Buffer.from(webhook.rawBody)}&${name}=%2B12025550199`);
      const read = (): unknown => provider.parseWebhook('answer', { ...webhook, rawBody, remoteAddress: '' });
      expect(read, name).toThrow(expect.objectContaining({ code: 'malformed' }));
    }
    const other = { ...CALL, AccountSid: ACCOUNT_SID.replace('1', '2') };
    expect(() => parse('answer', other)).toThrow(/another account/);
  });
});

describe('a status callback of Twilio', () => {
  const at = Date.UTC(2026, 10, 22, 5, 51, 43);
  const LEG = {
    AccountSid: ACCOUNT_SID,
    CallSid: 'CA2',
    ParentCallSid: 'CA1',
    Timestamp: 'Sun, 22 Nov 2026 05:51:43 +0000',
  };

  it("counts the callee's leg under the call that was answered, at the time that Twilio says", () => {
    expect(parse('status', { ...LEG, CallStatus: 'ringing' })).toEqual({
      kind: 'status',
      callback: { providerCallId: 'CA1', legStatus: { status: 'ringing', at } },
    });
    expect(parse('status', { ...LEG, CallStatus: 'in-progress' })).toEqual({
      kind: 'status',
      callback: { providerCallId: 'CA1', legStatus: { status: 'answered', at } },
    });
    expect(
      parse('status', { ...LEG, CallStatus: 'no-answer', CallDuration: '0', SipResponseCode: '480' }),
    ).toEqual({
      kind: 'status',
      callback: {
        providerCallId: 'CA1',
        legStatus: {
          ...{ status: 'ended', at, termination: 'no_answer', durationSeconds: 0 },
          nativeCause: 'no-answer 480',
        },
      },
    });
  });

  it('reads a time zone, and takes now for a time that is none', () => {
    const zoned = { ...LEG, CallStatus: 'ringing', Timestamp: 'Sun, 22 Nov 2026 11:21:43 +0530' };
    expect(parse('status', zoned)).toMatchObject({ callback: { legStatus: { at } } });
    for (const none of ['2026-11-22', 'Sun, 99 Nov 2026 05:51:43 +0000', '5', '']) {
      expect(parse('status', { ...LEG, CallStatus: 'ringing', Timestamp: none })).toMatchObject({
        callback: { legStatus: { at: clock.now() } },
      });
    }
  });

  it('says by the dial how the conversation went, with the duration of the talk', () => {
    const dialled = {
      AccountSid: ACCOUNT_SID,
      CallSid: 'CA1',
      CallStatus: 'in-progress',
      CallDuration: '99',
    };
    expect(
      parse('status', {
        ...dialled,
        DialCallSid: 'CA2',
        DialCallStatus: 'completed',
        DialCallDuration: '61',
      }),
    ).toMatchObject({
      callback: {
        providerCallId: 'CA1',
        legStatus: {
          termination: 'completed',
          durationSeconds: 61,
          nativeCause: 'completed',
          at: clock.now(),
        },
      },
    });
    expect(parse('status', { ...dialled, DialCallStatus: 'busy' })).toMatchObject({
      callback: { legStatus: { termination: 'busy', durationSeconds: null } },
    });
  });

  it("does not take the caller's own leg for the conversation, unless nobody can have spoken", () => {
    const own = { AccountSid: ACCOUNT_SID, CallSid: 'CA1', CallDuration: '12' };
    for (const status of ['completed', 'in-progress', 'ringing', 'queued']) {
      expect(parse('status', { ...own, CallStatus: status }).kind, status).toBe('ignored');
    }
    expect(parse('status', { ...own, CallStatus: 'no-answer' })).toMatchObject({
      callback: { providerCallId: 'CA1', legStatus: { termination: 'no_answer' } },
    });
    expect(parse('status', { ...own, CallStatus: 'canceled' })).toMatchObject({
      callback: { legStatus: { termination: 'cancelled' } },
    });
  });

  it('ignores words that it does not know, and never keeps more than a word and a code', () => {
    expect(parse('status', { ...LEG, CallStatus: 'initiated' }).kind).toBe('ignored');
    expect(parse('status', { ...LEG, CallStatus: 'meteorite' }).kind).toBe('ignored');
    const odd = { ...LEG, CallStatus: 'failed', SipResponseCode: '+12025550101', CallDuration: '-1' };
    expect(parse('status', odd)).toMatchObject({
      callback: { legStatus: { nativeCause: 'failed', durationSeconds: null } },
    });
  });
});

describe('a text at Twilio', () => {
  const TEXT = { AccountSid: ACCOUNT_SID, MessageSid: 'SM1', From: '+12025550101', To: '+12155550150' };

  it('counts its attachments, and says where they are', () => {
    const urls = { MediaUrl0: 'https://api.twilio.example/1', MediaUrl1: 'https://api.twilio.example/2' };
    expect(parse('message', { ...TEXT, NumMedia: '2', ...urls })).toMatchObject({
      message: { body: '', attachments: 2, mediaUrls: Object.values(urls) },
    });
    const odd = {
      MediaUrl0: 'http://x.example/',
      MediaUrl1: 'https://me@x.example/',
      MediaUrl2: 'file:///x',
    };
    const parsed = parse('message', { ...TEXT, NumMedia: '99', ...odd });
    expect(parsed).toMatchObject({ message: { attachments: 99 } });
    expect(parsed.kind === 'message' && parsed.message.mediaUrls).toBeUndefined();
    expect(parse('message', { ...TEXT, Body: 'Hi', NumMedia: 'many', ...urls })).toMatchObject({
      message: { body: 'Hi', attachments: 0 },
    });
  });

  it('is not relayed when Twilio itself has answered it', () => {
    for (const word of ['STOP', ' stop ', 'StopAll', 'UNSUBSCRIBE', 'optout', 'REVOKE']) {
      expect(parse('message', { ...TEXT, Body: word }).kind, word).toBe('ignored');
    }
    expect(parse('message', { ...TEXT, Body: 'Halt', OptOutType: 'STOP' }).kind).toBe('ignored');
    for (const text of ['Stop at the gate', 'END', 'cancel', 'Yes', 'quit']) {
      expect(parse('message', { ...TEXT, Body: text }), text).toMatchObject({ message: { body: text } });
    }
  });
});
