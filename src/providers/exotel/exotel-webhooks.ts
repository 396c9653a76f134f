import { isIP } from 'node:net';
import { type LegStatus, Termination } from '../../domain/call.ts';
import { toVirtualNumber, type VirtualNumber } from '../../domain/virtual-number.ts';
import { assertNever } from '../../lib/assert.ts';
import type { Instant } from '../../lib/clock.ts';
import type { PhoneNumber } from '../../privacy/phone-number.ts';
import { hasBasicAuth } from '../basic-auth.ts';
import { readCallingNumber } from '../calling-number.ts';
import { type FormFields, readFormFields } from '../form-fields.ts';
import { type ParsedWebhook, ProviderError, type WebhookKind, type WebhookRequest } from '../provider.ts';
import { formField, readFormBody, readJsonBody, requiredField } from '../webhook-body.ts';
import type { ExotelAccount } from './exotel-config.ts';

const QUERY_LENGTH_MAXIMUM = 64 * 1024;
const ID_LENGTH_MAXIMUM = 100;
/** Exotel carries texts of 2,000 characters. */
const TEXT_LENGTH_MAXIMUM = 10_000;

/**
 * Whether a request carries every proof that the account asks for. Exotel signs nothing: the proof is a password
 * in the URL that its flow calls, the address that it comes from, or both, besides the secret path.
 */
export function isExotelWebhook(request: WebhookRequest, account: ExotelAccount): boolean {
  const { webhookUser, webhookPasswords, sources } = account;
  if (request.method !== 'GET' && request.method !== 'POST') return false;
  const asked = webhookUser !== null || sources !== null;
  const knows = webhookUser === null || hasBasicAuth(request, webhookUser, webhookPasswords);
  return asked && knows && (sources === null || isFrom(sources, request.remoteAddress));
}

function isFrom(sources: NonNullable<ExotelAccount['sources']>, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && sources.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** Reads an authentic request. @throws ProviderError `malformed` */
export function parseExotelWebhook(
  kind: WebhookKind,
  request: WebhookRequest,
  account: ExotelAccount,
  now: Instant,
): ParsedWebhook {
  const fields = fieldsOf(request);
  switch (kind) {
    case 'answer':
      return toAnswer(fields, account);
    case 'status':
      return toStatus(fields, account, now);
    case 'message':
      return toMessage(fields, account);
    default:
      return assertNever(kind);
  }
}

function toAnswer(fields: FormFields, account: ExotelAccount): ParsedWebhook {
  const direction = formField(fields, 'Direction');
  if (direction !== null && direction !== 'incoming') {
    return { kind: 'ignored', why: 'The flow was started by an outgoing call.' };
  }
  // What a Gather applet before ours has collected comes in quotation marks.
  const digits = (formField(fields, 'digits') ?? '').replace(/^"(.*)"$/, '$1').trim();
  return {
    kind: 'answer',
    request: {
      providerCallId: requiredField(fields, 'CallSid', ID_LENGTH_MAXIMUM),
      callingNumber: callingNumber(formField(fields, 'CallFrom') ?? formField(fields, 'From'), account),
      calledNumber: calledNumber(formField(fields, 'CallTo') ?? requiredField(fields, 'To', 100), account),
      attestation: null,
      digits: /^[0-9*#]{1,20}$/.test(digits) ? digits : null,
    },
  };
}

/** How the dial of a Connect applet ended, or a call as a whole: DialCallStatus, Status, and CallType in a Passthru. */
const TERMINATIONS: ReadonlyMap<string, Termination> = new Map([
  ['completed', Termination.Completed],
  ['busy', Termination.Busy],
  ['no-answer', Termination.NoAnswer],
  ['failed', Termination.Failed],
  ['canceled', Termination.Cancelled],
  ['client-hangup', Termination.Cancelled],
  ['incomplete', Termination.NoAnswer],
  ['voicemail', Termination.NoAnswer],
]);

export function exotelTermination(word: string): Termination | null {
  return TERMINATIONS.get(word.toLowerCase()) ?? null;
}

function toStatus(fields: FormFields, account: ExotelAccount, now: Instant): ParsedWebhook {
  const providerCallId = requiredField(fields, 'CallSid', ID_LENGTH_MAXIMUM);
  const at = timeOf(fields, account, now);
  if (formField(fields, 'EventType') === 'answered') {
    return { kind: 'status', callback: { providerCallId, legStatus: { status: 'answered', at } } };
  }
  const words = ['DialCallStatus', 'Status', 'CallType'].map((name) => formField(fields, name));
  const word = words.find((each) => each !== null && exotelTermination(each) !== null) ?? null;
  const termination = word === null ? null : exotelTermination(word);
  if (word === null || termination === null) {
    if (words.every((each) => each === null)) {
      throw new ProviderError('malformed', 'The webhook has no DialCallStatus, Status or CallType.');
    }
    return { kind: 'ignored', why: 'The status callback reports no end that we know.' };
  }
  const legStatus: LegStatus = {
    status: 'ended',
    at,
    termination,
    durationSeconds: durationOf(fields, termination),
    nativeCause: word.toLowerCase(),
  };
  return { kind: 'status', callback: { providerCallId, legStatus } };
}

/**
 * Seconds of talk. A Passthru knows only how long the dial took, ringing included: that is taken where nothing
 * better is said, and only of a dial that was answered.
 */
function durationOf(fields: FormFields, termination: Termination): number | null {
  const talked = seconds(
    formField(fields, 'ConversationDuration') ?? formField(fields, 'Legs[1][OnCallDuration]'),
  );
  if (talked !== null || termination !== Termination.Completed) return talked;
  return seconds(formField(fields, 'DialCallDuration'));
}

function toMessage(fields: FormFields, account: ExotelAccount): ParsedWebhook {
  return {
    kind: 'message',
    message: {
      providerMessageId: requiredField(fields, 'SmsSid', ID_LENGTH_MAXIMUM),
      sendingNumber: callingNumber(formField(fields, 'From'), account),
      calledNumber: calledNumber(requiredField(fields, 'To', 100), account),
      body: (formField(fields, 'Body') ?? '').slice(0, TEXT_LENGTH_MAXIMUM),
      attachments: 0,
    },
  };
}

function callingNumber(text: string | null, account: ExotelAccount): PhoneNumber | null {
  return text === null ? null : readCallingNumber(withPlus(text), account.country);
}

/** An ExoPhone comes as `0XXXXXXXXXX` or with its country code; ours are in E.164. */
export function calledNumber(text: string, account: Pick<ExotelAccount, 'country'>): VirtualNumber | null {
  const number = readCallingNumber(withPlus(text), account.country);
  return number && toVirtualNumber(number.reveal());
}

/** A `+` that was not escaped arrives as a blank; without it the country code would be read as an area code. */
function withPlus(text: string): string {
  return text.startsWith(' ') ? `+${text.trimStart()}` : text;
}

/** Exotel's placeholder for an end that has not come is the epoch, in its own time zone. */
const YEAR_2000 = Date.UTC(2000, 0, 1);

function timeOf(fields: FormFields, account: ExotelAccount, now: Instant): Instant {
  for (const name of ['EndTime', 'CurrentTime', 'DateUpdated']) {
    const at = readExotelTime(formField(fields, name), account);
    if (at !== null) return at;
  }
  return now;
}

/** Reads `yyyy-mm-dd hh:mm:ss`, which names no zone; null when it is none, or only a placeholder. */
export function readExotelTime(
  text: string | null | undefined,
  account: Pick<ExotelAccount, 'utcOffsetMinutes'>,
): Instant | null {
  if (typeof text !== 'string' || !/^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d$/.test(text)) return null;
  const at = Date.parse(`${text.replace(' ', 'T')}Z`) - account.utcOffsetMinutes * 60_000;
  return at >= YEAR_2000 ? at : null;
}

function seconds(text: string | null): number | null {
  return text !== null && /^[0-9]{1,6}$/.test(text) ? Number(text) : null;
}

/** Applets ask by GET; status callbacks come by POST, as a form or as JSON. */
function fieldsOf(request: WebhookRequest): FormFields {
  if (request.method === 'GET') {
    const query = /^[^?#]*\?([^#]*)/.exec(request.url)?.[1] ?? '';
    const fields = query.length > QUERY_LENGTH_MAXIMUM ? null : readFormFields(query);
    if (!fields) throw new ProviderError('malformed', "The webhook's query is too long.");
    return fields;
  }
  const type = request.headers['content-type'] ?? '';
  if (/^application\/json\b/i.test(type)) return flatten(readJsonBody(request.rawBody));
  if (/^multipart\//i.test(type)) {
    throw new ProviderError('malformed', 'The webhook is multipart; let Exotel send it as application/json.');
  }
  return readFormBody(request.rawBody);
}

/** The JSON of a status callback, in the words of its form. */
function flatten(body: unknown): FormFields {
  const fields = new Map<string, string[]>();
  if (typeof body !== 'object' || body === null) return fields;
  for (const [name, value] of Object.entries(body)) {
    if (typeof value === 'string' || typeof value === 'number') fields.set(name, [String(value)]);
  }
  return fields;
}
