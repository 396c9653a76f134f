import { describe, expect, it } from 'vitest';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { invariant } from '../../lib/assert.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { PhoneNumber } from '../../privacy/phone-number.ts';
import type { ParsedWebhook, WebhookKind, WebhookRequest } from '../provider.ts';
import { createExotelProvider } from './exotel-provider.ts';
import { CREDENTIALS, get, VOICE_FLOW, WEBHOOK_BASE } from './testing/exotel-bench.ts';

const clock = new ManualClock();
// Numbers of fiction exist in Great Britain and not in India; national form is the same matter in both.
const provider = createExotelProvider(
  { settings: { voiceFlowUrl: VOICE_FLOW, country: 'GB' }, credentials: CREDENTIALS },
  { clock },
);

function parse(kind: WebhookKind, fields: Record<string, string>): ParsedWebhook {
  return provider.parseWebhook(kind, { ...get(`${WEBHOOK_BASE}/${kind}`, fields), remoteAddress: '' });
}

const CALL = { CallSid: 'c1', CallFrom: '07700900123', CallTo: '01632960001', Direction: 'incoming' };

function numbersOf(parsed: ParsedWebhook): (string | null | undefined)[] {
  if (parsed.kind !== 'answer') return [];
  return [parsed.request.callingNumber?.reveal(), parsed.request.calledNumber];
}

describe('an answer webhook of Exotel', () => {
  it.each([
    ['07700900123', '01632960001'],
    ['+447700900123', '+441632960001'],
    ['447700900123', '441632960001'],
    ['7700900123', '1632960001'],
    [' 447700900123', ' 441632960001'],
  ])('reads %j and %j as the country writes them', (CallFrom, CallTo) => {
    expect(numbersOf(parse('answer', { ...CALL, CallFrom, CallTo }))).toEqual([
      '+447700900123',
      '+441632960001',
    ]);
  });

  it('takes a blank in front for the plus sign that it was', () => {
    const url = `${WEBHOOK_BASE}/answer?CallSid=c1&CallFrom=+12025550101&CallTo=+12155550150`;
    const request = { ...get(`${WEBHOOK_BASE}/answer`, {}), url, remoteAddress: '' };
    expect(numbersOf(provider.parseWebhook('answer', request))).toEqual(['+12025550101', '+12155550150']);
  });

  it.each([
    ...['anonymous', 'Anonymous', 'restricted', 'unknown', 'private', 'unavailable', 'blocked', ''],
    ...['266696687', '7378742833', '8656696', '2562533', '86282452253'],
    ...['+266696687', '+7378742833', '+8656696', '+2562533', '+86282452253', ' 7378742833'],
    ...['anonymous@anonymous.invalid', 'sip:alice@example.com', 'client:alice', '112', '56070', '0'],
  ])('from %j is of nobody known', (CallFrom) => {
    expect(parse('answer', { ...CALL, CallFrom })).toMatchObject({ request: { callingNumber: null } });
  });

  it.each([
    ['"0042"', '0042'],
    ['0042', '0042'],
    ['""', null],
    ['"00', null],
    ['"4x"', null],
  ])('reads the digits %j', (digits, read) => {
    expect(parse('answer', { ...CALL, digits })).toMatchObject({ request: { digits: read } });
  });

  it('is ignored for calls that go out, and refused when a field comes twice', () => {
    expect(parse('answer', { ...CALL, Direction: 'outbound-dial' }).kind).toBe('ignored');
    const webhook = get(`${WEBHOOK_BASE}/answer`, CALL);
    for (const name of ['CallFrom', 'CallTo', 'CallSid']) {
      const request = { ...webhook, url: `${webhook.url}&${name}=x`, remoteAddress: '' };
      const read = (): unknown => provider.parseWebhook('answer', request);
      expect(read, name).toThrow(expect.objectContaining({ code: 'malformed' }));
    }
  });
});

describe('a status callback of Exotel', () => {
  it.each([
    [{ DialCallStatus: 'completed' }, 'completed', 'completed'],
    [{ DialCallStatus: 'busy', CallType: 'completed' }, 'busy', 'busy'],
    [{ DialCallStatus: 'no-answer' }, 'no_answer', 'no-answer'],
    [{ DialCallStatus: 'failed' }, 'failed', 'failed'],
    [{ CallType: 'client-hangup' }, 'cancelled', 'client-hangup'],
    [{ CallType: 'incomplete' }, 'no_answer', 'incomplete'],
    [{ CallType: 'voicemail' }, 'no_answer', 'voicemail'],
    [{ DialCallStatus: 'null', CallType: 'completed' }, 'completed', 'completed'],
    [{ Status: 'Failed' }, 'failed', 'failed'],
  ])('says with %j that a call has ended', (fields, termination, nativeCause) => {
    const parsed = parse('status', { CallSid: 'c1', ...(fields as Record<string, string>) });
    expect(parsed).toMatchObject({
      callback: { providerCallId: 'c1', legStatus: { termination, nativeCause } },
    });
  });

  it('reads its times in the zone of the settings, and never the placeholder', () => {
    const at = (fields: Record<string, string>) => {
      const parsed = parse('status', { CallSid: 'c1', DialCallStatus: 'busy', ...fields });
      return parsed.kind === 'status' ? parsed.callback.legStatus.at : null;
    };
    const placeholder = { EndTime: '1970-01-01 05:30:00' };
    expect(at({ ...placeholder, CurrentTime: '2026-11-22 11:21:43' })).toBe(
      Date.UTC(2026, 10, 22, 5, 51, 43),
    );
    expect(at({ EndTime: '2026-11-22 11:21:43', CurrentTime: '2026-11-22 11:21:50' })).toBe(
      Date.UTC(2026, 10, 22, 5, 51, 43),
    );
    for (const fields of [placeholder, {}, { EndTime: 'yesterday' }, { EndTime: '2026-99-99 11:21:43' }]) {
      expect(at(fields), JSON.stringify(fields)).toBe(clock.now());
    }
  });

  it('prefers the seconds of talk to those of the dial', () => {
    const seconds = (fields: Record<string, string>) => {
      const parsed = parse('status', { CallSid: 'c1', DialCallStatus: 'completed', ...fields });
      const status = parsed.kind === 'status' ? parsed.callback.legStatus : null;
      return status?.status === 'ended' ? status.durationSeconds : null;
    };
    expect(seconds({ ConversationDuration: '61', DialCallDuration: '75' })).toBe(61);
    expect(seconds({ 'Legs[1][OnCallDuration]': '61', DialCallDuration: '75' })).toBe(61);
    expect(seconds({ DialCallDuration: '75' })).toBe(75);
    expect(seconds({ DialCallDuration: '75', DialCallStatus: 'no-answer' })).toBeNull();
    expect(seconds({ DialCallDuration: '-5' })).toBeNull();
  });

  it('ignores what is no end, and refuses what is nothing', () => {
    expect(parse('status', { CallSid: 'c1', CallType: 'call-attempt' }).kind).toBe('ignored');
    expect(parse('status', { CallSid: 'c1', DialCallStatus: 'meteorite' }).kind).toBe('ignored');
    expect(() => parse('status', { CallSid: 'c1' })).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  it('may be posted as a form or as JSON, and says what to do when it is multipart', () => {
    const post = (type: string, body: string): WebhookRequest => ({
      method: 'POST',
      url: `${WEBHOOK_BASE}/status`,
      headers: { 'content-type': type },
      rawBody: Buffer.from(body),
      remoteAddress: '',
    });
    const form = post('application/x-www-form-urlencoded', 'CallSid=c1&Status=busy');
    const json = post('application/json; charset=utf-8', '{"CallSid":"c1","Status":"busy"}');
    for (const request of [form, json]) {
      expect(provider.parseWebhook('status', request)).toMatchObject({
        callback: { legStatus: { termination: 'busy' } },
      });
    }
    const multipart = post('multipart/form-data; boundary=x', '--x--');
    expect(() => provider.parseWebhook('status', multipart)).toThrow(/application\/json/);
  });
});

describe('the answer to a Connect applet', () => {
  const destination = PhoneNumber.parse('+447700900123');
  const callerId = toVirtualNumber('+441632960001');
  invariant(destination && callerId, 'a number of the test does not parse');
  const bridge = {
    decision: 'bridge',
    destination,
    callerId,
    ringTimeoutSeconds: 25,
    maxCallSeconds: 90_000,
  } as const;
  const urls = { answer: 'https://a.example/', status: 'https://s.example/', message: 'https://m.example/' };

  it('dials once, shows our number, cuts the call, and records nothing', () => {
    expect(JSON.parse(provider.renderCall(bridge, urls).body)).toEqual({
      fetch_after_attempt: false,
      destination: { numbers: ['+447700900123'] },
      outgoing_phone_number: '+441632960001',
      record: false,
      max_ringing_duration: 25,
      max_conversation_duration: 14_400,
      music_on_hold: { type: 'operator_tone' },
      parallel_ringing: { activate: false },
      dial_passthru_event_url: 'https://s.example/',
    });
  });

  it('records only what both were told before', () => {
    const recording = { consent: 'This call is recorded.' };
    expect(JSON.parse(provider.renderCall({ ...bridge, recording }, urls).body)).toMatchObject({
      record: true,
      recording_channels: 'dual',
      start_call_playback: { playback_to: 'both', type: 'text', value: 'This call is recorded.' },
    });
  });

  it('dials nobody for every refusal, in the same bytes', () => {
    const refusals = [
      provider.renderCall({ decision: 'reject' }, urls),
      provider.renderCall({ decision: 'collect_pin', digits: 6 }, urls),
      provider.renderCall({ decision: 'announce', announcement: 'neutral' }, urls),
      provider.renderCall({ decision: 'announce', announcement: 'session_ended' }, urls),
    ];
    expect(new Set(refusals.map(({ body }) => body))).toEqual(
      new Set(['{"fetch_after_attempt":false,"destination":{"numbers":[]}}']),
    );
  });
});
