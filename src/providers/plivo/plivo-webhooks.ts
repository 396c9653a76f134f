import { createHmac, timingSafeEqual } from 'node:crypto';
import { assertNever } from '../../lib/assert.ts';
import type { Instant } from '../../lib/clock.ts';
import { type FormFields, readFormFields } from '../form-fields.ts';
import {
  type Attestation,
  type ParsedWebhook,
  ProviderError,
  type WebhookKind,
  type WebhookRequest,
} from '../provider.ts';
import { formField, readFormBody, requiredField } from '../webhook-body.ts';
import { toCalledNumber, toCallingNumber } from '../wire-number.ts';
import { plivoLegEnd, reportedTime, toPlivoLegEnd } from './plivo-hangup.ts';

export const NONCE_HEADER = 'x-plivo-signature-v3-nonce';
/** The first is made with the token of the account that holds the number, the second with the main account's. */
export const SIGNATURE_HEADERS = ['x-plivo-signature-v3', 'x-plivo-signature-ma-v3'] as const;

const ID_LENGTH_MAXIMUM = 100;
/** A long text arrives put together: 1,600 characters are the most that Plivo sends. */
const TEXT_LENGTH_MAXIMUM = 5_000;
/** An account has a primary token and one that replaces it; each makes a signature. */
const SIGNATURES_MAXIMUM = 4;

/**
 * Whether Plivo signed this (signature V3). A replayed request cannot be told from the first one, because the
 * nonce carries no time: what it may still disclose is bounded where calls are decided.
 */
export function isPlivoWebhook(request: WebhookRequest, signingTokens: readonly string[]): boolean {
  const nonce = request.headers[NONCE_HEADER] ?? '';
  if (!/^[\x21-\x7e]{1,100}$/.test(nonce)) return false;
  const signed = signedText(request);
  if (signed === null) return false;
  const given = SIGNATURE_HEADERS.flatMap((header) => readSignatures(request.headers[header]));
  // Every token is tried on every signature, so that the time taken does not tell which of them fits.
  let authentic = false;
  for (const token of signingTokens) {
    const digest = createHmac('sha256', token).update(`${signed}.${nonce}`).digest();
    for (const signature of given) if (timingSafeEqual(digest, signature)) authentic = true;
  }
  return authentic;
}

/** A header may list several signatures, one for each active token, but none of them twice. */
function readSignatures(header: string | undefined): Buffer[] {
  const texts = header?.split(',').map((text) => text.trim()) ?? [];
  if (texts.length > SIGNATURES_MAXIMUM || new Set(texts).size < texts.length) return [];
  if (!texts.every((text) => /^[A-Za-z0-9+/]{43}=$/.test(text))) return [];
  const signatures = texts.map((text) => Buffer.from(text, 'base64'));
  // The last character of 32 bytes in Base64 has two bits to spare, which would make four texts of one signature.
  return signatures.every((each, i) => each.toString('base64') === texts[i]) ? signatures : [];
}

/** What V3 signs, without `.` and nonce. Null for what Plivo never sends, so that there is one text for one request. */
function signedText(request: WebhookRequest): string | null {
  const parts = /^(https?:\/\/[^/?#\s]+\/[^?#\s]*)(?:\?([^#\s]+))?$/.exec(request.url);
  const [, base, query = ''] = parts ?? [];
  if (base === undefined || (query !== '' && query.split('&').includes(''))) return null;
  const queryFields = readFormFields(query);
  if (queryFields === null) return null;
  const sortedQuery = sortedFields(queryFields)
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const plain = sortedQuery === '' ? base : `${base}?${sortedQuery}`;
  if (request.method === 'GET') return request.rawBody.length === 0 ? plain : null;
  const form = request.method === 'POST' ? formOrNull(request.rawBody) : null;
  if (form === null || form.size === 0) return form && plain;
  const body = sortedFields(form)
    .map(([name, value]) => name + value)
    .join('');
  // With a body there is a bare `?` even when the URL has no query (plivo-node, v3Security).
  return sortedQuery === '' ? `${base}?${body}` : `${base}?${sortedQuery}.${body}`;
}

function formOrNull(rawBody: Uint8Array): FormFields | null {
  try {
    return readFormBody(rawBody);
  } catch {
    return null;
  }
}

/** By name, and the values of one name by value. */
function sortedFields(fields: FormFields): [string, string][] {
  return [...fields]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, values]) => values.toSorted().map((value): [string, string] => [name, value]));
}

/** Reads an authentic request; `now` is the time of whatever Plivo reports without one. @throws ProviderError `malformed` */
export function parsePlivoWebhook(kind: WebhookKind, request: WebhookRequest, now: Instant): ParsedWebhook {
  const form = readFormBody(request.method === 'GET' ? queryOf(request.url) : request.rawBody);
  switch (kind) {
    case 'answer':
      return toAnswer(form);
    case 'status':
      return toStatus(form, now);
    case 'message':
      return toMessage(form);
    default:
      return assertNever(kind);
  }
}

function queryOf(url: string): Uint8Array {
  return new TextEncoder().encode(/\?([^#]*)/.exec(url)?.[1] ?? '');
}

function toAnswer(form: FormFields): ParsedWebhook {
  const providerCallId = requiredField(form, 'CallUUID', ID_LENGTH_MAXIMUM);
  // An application without a hangup URL hears of hang-ups here. Ours has one, but a person may edit it.
  if (formField(form, 'Event') === 'Hangup') return { kind: 'ignored', why: 'The caller has hung up.' };
  const digits = formField(form, 'Digits');
  if (digits !== null && !/^[0-9*#]{1,32}$/.test(digits)) {
    throw new ProviderError('malformed', 'The digits of the webhook are none.');
  }
  return {
    kind: 'answer',
    request: {
      providerCallId,
      callingNumber: toCallingNumber(formField(form, 'From'), 'digits'),
      calledNumber: toCalledNumber(formField(form, 'To'), 'digits'),
      attestation: toAttestation(form),
      digits,
    },
  };
}

/**
 * Plivo says `Verified` for attestation A, and `Not Verified` for everything less, which may be B, C, a failure or
 * no claim at all. The level is believed only as far as the two fields agree.
 */
function toAttestation(form: FormFields): Attestation | null {
  const verification = formField(form, 'STIRVerification');
  const level = formField(form, 'STIRAttestation');
  if (verification === 'Verified') return level === null || level === 'A' ? 'A' : 'failed';
  if (verification !== 'Not Verified') return null;
  if (level === 'A') return 'failed';
  return level === 'B' || level === 'C' ? level : null;
}

/** Events of the callee's leg come to the callback URL of `Dial`, the end of the caller's leg to the hangup URL. */
function toStatus(form: FormFields, now: Instant): ParsedWebhook {
  const action = formField(form, 'DialAction');
  if (action === null && formField(form, 'Event') === 'Hangup') return toCallerHangup(form, now);
  if (action === null) {
    if (!form.has('CallUUID') && !form.has('RecordingID')) {
      throw new ProviderError('malformed', 'The callback is about no call.');
    }
    return { kind: 'ignored', why: 'The callback is about no leg.' };
  }
  const providerCallId = requiredField(form, 'DialALegUUID', ID_LENGTH_MAXIMUM);
  switch (action) {
    case 'answer':
    case 'connected':
      return { kind: 'status', callback: { providerCallId, legStatus: { status: 'answered', at: now } } };
    case 'hangup':
      return {
        kind: 'status',
        callback: { providerCallId, legStatus: toPlivoLegEnd(form, now) },
      };
    default:
      return { kind: 'ignored', why: 'The callback has an unknown action.' };
  }
}

/**
 * The caller's leg alone tells how the call went only when it was never answered: then there was no callee's leg,
 * or it was cut off while ringing. Otherwise the callee's leg reports with the right duration and cause.
 */
function toCallerHangup(form: FormFields, now: Instant): ParsedWebhook {
  const providerCallId = requiredField(form, 'CallUUID', ID_LENGTH_MAXIMUM);
  if (Number(formField(form, 'Duration') ?? 0) > 0) {
    return { kind: 'ignored', why: "The callee's leg tells how the call went." };
  }
  const legStatus = plivoLegEnd({
    at: reportedTime(formField(form, 'EndTime'), now),
    cause: formField(form, 'HangupCause'),
    causeName: formField(form, 'HangupCauseName'),
    source: 'Caller',
    durationSeconds: 0,
  });
  return { kind: 'status', callback: { providerCallId, legStatus } };
}

/** What Plivo says of a word that it has answered itself, and by which it has begun or ceased to carry texts. */
const ANSWERED_INTENTS: ReadonlySet<string> = new Set(['optout', 'optin', 'help']);

function toMessage(form: FormFields): ParsedWebhook {
  if (ANSWERED_INTENTS.has(formField(form, 'MessageIntent') ?? '')) {
    return { kind: 'ignored', why: 'Plivo has answered a word by which texts are stopped or started.' };
  }
  const text = formField(form, 'Text') ?? formField(form, 'Body') ?? '';
  if (text.length > TEXT_LENGTH_MAXIMUM) {
    throw new ProviderError('malformed', `The text is longer than ${TEXT_LENGTH_MAXIMUM} characters.`);
  }
  return {
    kind: 'message',
    message: {
      providerMessageId: requiredField(form, 'MessageUUID', ID_LENGTH_MAXIMUM),
      sendingNumber: toCallingNumber(formField(form, 'From'), 'digits'),
      calledNumber: toCalledNumber(formField(form, 'To'), 'digits'),
      body: text,
      attachments: [...form.keys()].filter((name) => /^Media[0-9]+$/.test(name)).length,
    },
  };
}
