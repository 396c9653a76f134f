import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { type LegStatus, Termination } from '../../domain/call.ts';
import { assertNever } from '../../lib/assert.ts';
import type { Instant } from '../../lib/clock.ts';
import type { FormFields } from '../form-fields.ts';
import {
  type Attestation,
  type ParsedWebhook,
  ProviderError,
  type WebhookKind,
  type WebhookRequest,
} from '../provider.ts';
import { formField, readFormBody, readJsonBody, requiredField } from '../webhook-body.ts';
import { toCalledNumber, toCallingNumber } from '../wire-number.ts';

/** Telnyx makes ids of some 90 characters. */
const ID_LENGTH_MAXIMUM = 100;
/** Telnyx carries ten attachments a message. */
const MEDIA_MAXIMUM = 10;
const URL_LENGTH_MAXIMUM = 500;

/** Reads an authentic request; `now` is the time of whatever Telnyx reports without one. @throws ProviderError `malformed` */
export function parseTelnyxWebhook(kind: WebhookKind, request: WebhookRequest, now: Instant): ParsedWebhook {
  switch (kind) {
    case 'answer':
      return toAnswer(readFormBody(request.rawBody));
    case 'status':
      return toStatus(readFormBody(request.rawBody), now);
    case 'message':
      return toMessage(readJsonBody(request.rawBody));
    default:
      return assertNever(kind);
  }
}

function toAnswer(form: FormFields): ParsedWebhook {
  const digits = formField(form, 'Digits');
  if (digits !== null && !/^[0-9*#]{1,32}$/.test(digits)) {
    throw new ProviderError('malformed', 'The digits of the webhook are none.');
  }
  return {
    kind: 'answer',
    request: {
      providerCallId: requiredField(form, 'CallSid', ID_LENGTH_MAXIMUM),
      callingNumber: toCallingNumber(formField(form, 'From'), 'e164'),
      calledNumber: toCalledNumber(formField(form, 'To'), 'e164'),
      attestation: toAttestation(form),
      digits,
    },
  };
}

/** A level that was claimed, and whether the claim held. A claim that nobody has checked says nothing. */
function toAttestation(form: FormFields): Attestation | null {
  const level = formField(form, 'ShakenStirAttestation');
  const validated = formField(form, 'ShakenStirValidated')?.toLowerCase();
  if (level !== 'A' && level !== 'B' && level !== 'C') return null;
  if (validated === 'false') return 'failed';
  return validated === 'true' ? level : null;
}

const CALL_ENDS: ReadonlyMap<string, Termination> = new Map([
  ['completed', Termination.Completed],
  ['busy', Termination.Busy],
  ['no-answer', Termination.NoAnswer],
  ['canceled', Termination.Cancelled],
  ['failed', Termination.Failed],
]);

/** They say more than `completed`, which Telnyx also uses for a leg that nobody answered. */
const CAUSES: ReadonlyMap<string, Termination> = new Map([
  ['time_limit', Termination.TimeLimit],
  ['user_busy', Termination.Busy],
  ['call_rejected', Termination.Busy],
  ['timeout', Termination.NoAnswer],
  ['no_answer', Termination.NoAnswer],
  ['originator_cancel', Termination.Cancelled],
  ['not_found', Termination.Failed],
]);

/**
 * The callee's leg is a call of its own that names the caller's as its parent. Of the caller's leg only the end
 * counts, when it sums up the dial, or when the caller gave up without a second of talk.
 */
function toStatus(form: FormFields, now: Instant): ParsedWebhook {
  const callSid = requiredField(form, 'CallSid', ID_LENGTH_MAXIMUM);
  const status = formField(form, 'CallStatus') ?? '';
  const parent = formField(form, 'ParentCallSid');
  const at = toInstant(formField(form, 'Timestamp')) ?? now;
  if (parent === null || parent === callSid) return toCallerStatus(form, callSid, status, at);
  const providerCallId = requiredField(form, 'ParentCallSid', ID_LENGTH_MAXIMUM);
  if (status === 'ringing') return report(providerCallId, { status: 'ringing', at });
  if (status === 'in-progress' || status === 'answered')
    return report(providerCallId, { status: 'answered', at });
  const end = CALL_ENDS.get(status);
  if (end === undefined) return { kind: 'ignored', why: 'The callback says nothing of how the call goes.' };
  const cause = formField(form, 'HangupCause');
  return report(providerCallId, {
    status: 'ended',
    at,
    termination: (end === Termination.Completed && CAUSES.get(cause ?? '')) || end,
    durationSeconds: toSeconds(formField(form, 'CallDuration')),
    nativeCause: word(cause ?? status),
  });
}

function toCallerStatus(
  form: FormFields,
  providerCallId: string,
  status: string,
  at: Instant,
): ParsedWebhook {
  const end = CALL_ENDS.get(status);
  const dialled = CALL_ENDS.get(formField(form, 'DialCallStatus') ?? '');
  const cause = word(formField(form, 'HangupCause') ?? status);
  if (end !== undefined && dialled !== undefined) {
    const durationSeconds = toSeconds(formField(form, 'DialCallDuration'));
    return report(providerCallId, {
      status: 'ended',
      at,
      termination: dialled,
      durationSeconds,
      nativeCause: cause,
    });
  }
  const neverTalked =
    end !== undefined && (end !== Termination.Completed || toSeconds(formField(form, 'CallDuration')) === 0);
  if (!neverTalked) return { kind: 'ignored', why: "The callee's leg tells how the call goes." };
  const termination = Termination.Cancelled;
  return report(providerCallId, { status: 'ended', at, termination, durationSeconds: 0, nativeCause: cause });
}

function report(providerCallId: string, legStatus: LegStatus): ParsedWebhook {
  return { kind: 'status', callback: { providerCallId, legStatus } };
}

/** `2024-01-15T10:30:00Z`, or with a blank in the middle and six decimals; the documentation names RFC 2822 as well. */
function toInstant(text: string | null): Instant | null {
  const rfc3339 = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)Z$/.exec(text ?? '');
  const rfc2822 = /^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (\+0000|GMT)$/.test(text ?? '');
  const at = rfc3339
    ? Date.parse(`${rfc3339[1]}T${rfc3339[2]}Z`)
    : rfc2822
      ? Date.parse(text ?? '')
      : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

function toSeconds(text: string | null): number | null {
  const seconds = /^[0-9]{1,6}$/.test(text ?? '') ? Number(text) : null;
  return seconds !== null && seconds <= 7 * 86_400 ? seconds : null;
}

/** Causes are words such as `user_busy`; what is none may hold a number. */
function word(text: string): string | null {
  return /^[a-z][a-z_-]{0,60}$/.test(text) ? text : null;
}

const Party = Type.Object({ phone_number: Type.Optional(Type.String({ maxLength: 200 })) });
const MessageBody = Type.Object({
  data: Type.Object({
    event_type: Type.String({ maxLength: 100 }),
    payload: Type.Object({
      id: Type.String({ minLength: 1, maxLength: ID_LENGTH_MAXIMUM }),
      from: Type.Optional(Party),
      to: Type.Optional(Type.Array(Party, { maxItems: 100 })),
      text: Type.Optional(Type.Union([Type.String({ maxLength: 10_000 }), Type.Null()])),
      media: Type.Optional(Type.Array(Type.Unknown(), { maxItems: 100 })),
      autoresponse_type: Type.Optional(Type.Unknown()),
    }),
  }),
});
const messageValidator = Compile(MessageBody);

function toMessage(value: unknown): ParsedWebhook {
  if (!messageValidator.Check(value)) {
    // Where and why, never what: the value may be somebody's number.
    const first = messageValidator.Errors(value)[0];
    const where = first?.instancePath ?? '';
    throw new ProviderError('malformed', `The webhook's body${where} ${first?.message ?? ''}.`);
  }
  const { data }: Static<typeof MessageBody> = value;
  if (data.event_type !== 'message.received') {
    return { kind: 'ignored', why: 'The event is about a text that was sent.' };
  }
  const { id, from, to = [], text, media = [], autoresponse_type } = data.payload;
  // It is there when Telnyx has answered STOP, START, HELP or another word of the messaging profile.
  if (autoresponse_type) {
    return { kind: 'ignored', why: 'Telnyx has answered a word by which texts are stopped or started.' };
  }
  const mediaUrls = mediaUrlsOf(media);
  return {
    kind: 'message',
    message: {
      providerMessageId: id,
      sendingNumber: toCallingNumber(from?.phone_number ?? null, 'e164'),
      // A text to a group is for several numbers; which of them is meant, nobody says.
      calledNumber: to.length === 1 ? toCalledNumber(to[0]?.phone_number ?? null, 'e164') : null,
      body: text ?? '',
      attachments: media.length,
      ...(mediaUrls.length > 0 && { mediaUrls }),
    },
  };
}

/** Where Telnyx keeps the attachments; it serves them to itself when they are sent on. */
function mediaUrlsOf(media: readonly unknown[]): readonly string[] {
  return media
    .slice(0, MEDIA_MAXIMUM)
    .map((each) => (typeof each === 'object' && each !== null && 'url' in each ? each.url : null))
    .filter((url): url is string => typeof url === 'string' && isMediaUrl(url));
}

function isMediaUrl(url: string): boolean {
  return url.length <= URL_LENGTH_MAXIMUM && /^https:\/\/[^\s/?#@]+\//.test(url);
}
