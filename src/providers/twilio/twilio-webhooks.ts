import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { assertNever } from '../../lib/assert.ts';
import type { Instant } from '../../lib/clock.ts';
import { readCallingNumber } from '../calling-number.ts';
import { type FormFields, readFormFields } from '../form-fields.ts';
import {
  type Attestation,
  type ParsedWebhook,
  ProviderError,
  type WebhookKind,
  type WebhookRequest,
} from '../provider.ts';
import { formField, readFormBody, requiredField } from '../webhook-body.ts';
import { readCallEnd, readTwilioDate } from './twilio-call-status.ts';
import type { TwilioAccount } from './twilio-config.ts';
import type { TwilioDialect } from './twilio-dialect.ts';

const ID_LENGTH_MAXIMUM = 100;
/** Twilio joins up to 1,600 characters; a longer text is cut later, not lost here. */
const TEXT_LENGTH_MAXIMUM = 10_000;
/** Twilio carries ten attachments a message. */
const MEDIA_MAXIMUM = 10;
const URL_LENGTH_MAXIMUM = 500;

/**
 * Words by which people stop texts. Twilio answers them itself, and from then on refuses to send from this number
 * to that person; they are meant for the sender, not for the other person.
 */
const STOP_WORDS: ReadonlySet<string> = new Set(['STOP', 'STOPALL', 'UNSUBSCRIBE', 'OPTOUT', 'REVOKE']);

const VERDICTS: ReadonlyMap<string, Attestation> = new Map([
  ['TN-Validation-Passed-A', 'A'],
  ['TN-Validation-Passed-B', 'B'],
  ['TN-Validation-Passed-C', 'C'],
]);

/** Ends of the caller's own leg that leave no doubt: nobody spoke. */
const ENDS_WITHOUT_ANSWER: ReadonlySet<string> = new Set(['busy', 'no-answer', 'canceled', 'failed']);

/** Reads an authentic request. @throws ProviderError `malformed` */
export function parseTwilioWebhook(
  kind: WebhookKind,
  request: WebhookRequest,
  account: TwilioAccount,
  now: Instant,
): ParsedWebhook {
  const fields = fieldsOf(request);
  const owner = formField(fields, 'AccountSid');
  if (owner !== null && owner.toLowerCase() !== account.accountSid.toLowerCase()) {
    throw new ProviderError('malformed', 'The webhook is about another account than its signature.');
  }
  switch (kind) {
    case 'answer':
      return toAnswer(fields, account);
    case 'status':
      return toStatus(fields, account.dialect, now);
    case 'message':
      return toMessage(fields);
    default:
      return assertNever(kind);
  }
}

function toAnswer(fields: FormFields, account: TwilioAccount): ParsedWebhook {
  const digits = formField(fields, 'Digits') ?? '';
  return {
    kind: 'answer',
    request: {
      providerCallId: idField(fields, 'CallSid'),
      // `Caller` and `Called` mean the same, but the vendor's own emulator swaps them, so they are not read.
      callingNumber: readCallingNumber(formField(fields, 'From') ?? ''),
      calledNumber: toVirtualNumber(requiredField(fields, 'To', ID_LENGTH_MAXIMUM)),
      attestation: account.dialect.capabilities.attestation ? toAttestation(fields) : null,
      digits: /^[0-9*#]{1,20}$/.test(digits) ? digits : null,
    },
  };
}

function toAttestation(fields: FormFields): Attestation | null {
  const verdict = formField(fields, 'StirVerstat') ?? '';
  if (verdict.startsWith('TN-Validation-Failed')) return 'failed';
  return VERDICTS.get(verdict) ?? null;
}

/**
 * The callee's leg reports to this URL, and so does the dial when it is over (`DialCallStatus`). Both say how
 * the conversation went. The caller's own leg can end as `completed` although nobody spoke, because it was
 * answered for an announcement; then it says nothing about the conversation.
 */
function toStatus(fields: FormFields, dialect: TwilioDialect, now: Instant): ParsedWebhook {
  const callSid = idField(fields, 'CallSid');
  const parent = formField(fields, 'ParentCallSid');
  const providerCallId = parent ?? callSid;
  const at = readTwilioDate(formField(fields, 'Timestamp')) ?? now;
  const dialled = formField(fields, 'DialCallStatus');
  // SignalWire's documentation writes `no answer` in places.
  const word = dialled ?? requiredField(fields, 'CallStatus', ID_LENGTH_MAXIMUM);
  const status = word === 'no answer' ? 'no-answer' : word;
  if (dialled === null && parent === null && !ENDS_WITHOUT_ANSWER.has(status)) {
    return { kind: 'ignored', why: "The caller's leg does not say how the conversation goes." };
  }
  if (status === 'ringing')
    return { kind: 'status', callback: { providerCallId, legStatus: { status, at } } };
  if (status === 'in-progress') {
    return { kind: 'status', callback: { providerCallId, legStatus: { status: 'answered', at } } };
  }
  const legStatus = readCallEnd({
    status,
    at,
    duration: formField(fields, dialled === null ? 'CallDuration' : 'DialCallDuration'),
    sipResponseCode: formField(fields, dialect.sipCodeField),
  });
  if (!legStatus) return { kind: 'ignored', why: 'The status callback reports nothing that we keep.' };
  return { kind: 'status', callback: { providerCallId, legStatus } };
}

function toMessage(fields: FormFields): ParsedWebhook {
  const body = (formField(fields, 'Body') ?? '').slice(0, TEXT_LENGTH_MAXIMUM);
  const optOut = formField(fields, 'OptOutType') ?? '';
  if (optOut !== '' || STOP_WORDS.has(body.trim().toUpperCase())) {
    return { kind: 'ignored', why: 'Twilio has answered a word by which texts are stopped or started.' };
  }
  const counted = formField(fields, 'NumMedia') ?? '';
  const attachments = /^[0-9]{1,3}$/.test(counted) ? Number(counted) : 0;
  const mediaUrls = mediaUrlsOf(fields, attachments);
  return {
    kind: 'message',
    message: {
      providerMessageId: idField(fields, 'MessageSid'),
      sendingNumber: readCallingNumber(formField(fields, 'From') ?? ''),
      calledNumber: toVirtualNumber(requiredField(fields, 'To', ID_LENGTH_MAXIMUM)),
      body,
      attachments,
      ...(mediaUrls.length > 0 && { mediaUrls }),
    },
  };
}

/** Where Twilio keeps the attachments; it serves them to itself when they are sent on. */
function mediaUrlsOf(fields: FormFields, attachments: number): readonly string[] {
  const urls: string[] = [];
  for (let at = 0; at < Math.min(attachments, MEDIA_MAXIMUM); at++) {
    const url = formField(fields, `MediaUrl${at}`);
    if (url !== null && url.length <= URL_LENGTH_MAXIMUM && /^https:\/\/[^\s/?#@]+\//.test(url))
      urls.push(url);
  }
  return urls;
}

/** Exactly the part that the signature covers: the query of a GET, the body of a POST. */
function fieldsOf(request: WebhookRequest): FormFields {
  if (request.method !== 'GET') return readFormBody(request.rawBody);
  const fields = readFormFields(/^[^?#]*\?([^#]*)/.exec(request.url)?.[1] ?? '');
  if (!fields) throw new ProviderError('malformed', "The webhook's query has too many fields.");
  return fields;
}

function idField(fields: FormFields, name: string): string {
  return requiredField(fields, name, ID_LENGTH_MAXIMUM);
}
