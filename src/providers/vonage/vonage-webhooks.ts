import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Termination } from '../../domain/call.ts';
import { assertNever } from '../../lib/assert.ts';
import { type ParsedWebhook, ProviderError, type WebhookKind, type WebhookRequest } from '../provider.ts';
import { readJsonBody } from '../webhook-body.ts';
import { toCalledNumber, toCallingNumber } from '../wire-number.ts';

const Id = Type.String({ minLength: 1, maxLength: 100 });
const NumberText = Type.String({ maxLength: 200 });
const TEXT_LENGTH_MAXIMUM = 10_000;

// Unknown fields pass: an operator adds some without asking.
const AnswerBody = Type.Object({
  conversation_uuid: Id,
  from: Type.Optional(Type.Union([NumberText, Type.Null()])),
  to: Type.Optional(Type.Union([NumberText, Type.Null()])),
  dtmf: Type.Optional(
    Type.Union([
      Type.Object({ digits: Type.Optional(Type.Union([Type.String({ maxLength: 32 }), Type.Null()])) }),
      Type.String({ maxLength: 32 }),
    ]),
  ),
});

const EventBody = Type.Object({
  conversation_uuid: Id,
  status: Type.Optional(Type.String({ maxLength: 50 })),
  direction: Type.Optional(Type.String({ maxLength: 50 })),
  timestamp: Type.Optional(Type.String({ maxLength: 50 })),
  duration: Type.Optional(Type.Union([Type.String({ maxLength: 20 }), Type.Integer(), Type.Null()])),
  detail: Type.Optional(Type.Union([Type.String({ maxLength: 200 }), Type.Null()])),
});

/** The Messages API. Texts that the older SMS API forwards are not signed in a way that covers them well. */
const MessageBody = Type.Object({
  message_uuid: Id,
  from: Type.Union([NumberText, Type.Object({ number: Type.Optional(NumberText) })]),
  to: Type.Union([NumberText, Type.Object({ number: Type.Optional(NumberText) })]),
  message_type: Type.Optional(Type.String({ maxLength: 50 })),
  text: Type.Optional(Type.Union([Type.String({ maxLength: TEXT_LENGTH_MAXIMUM }), Type.Null()])),
});

const readAnswer = reader(AnswerBody);
const readEvent = reader(EventBody);
const readMessage = reader(MessageBody);

/** Reads an authentic request. @throws ProviderError `malformed` */
export function parseVonageWebhook(kind: WebhookKind, request: WebhookRequest): ParsedWebhook {
  const value = readJsonBody(request.rawBody);
  switch (kind) {
    case 'answer':
      return toAnswer(readAnswer(value));
    case 'status':
      // Reports of texts that we sent arrive at the same URL.
      if (hasKey(value, 'message_uuid')) return { kind: 'ignored', why: 'The callback is about a text.' };
      return toStatus(readEvent(value));
    case 'message':
      return toMessage(readMessage(value));
    default:
      return assertNever(kind);
  }
}

/**
 * The conversation is the call: its id is the same on the caller's and on the callee's leg, and on every repetition
 * of the question, while each leg has a `uuid` of its own.
 */
function toAnswer(body: Static<typeof AnswerBody>): ParsedWebhook {
  const digits = typeof body.dtmf === 'object' ? body.dtmf.digits : body.dtmf;
  if (digits && !/^[0-9*#]+$/.test(digits)) {
    throw new ProviderError('malformed', 'The digits of the webhook are none.');
  }
  return {
    kind: 'answer',
    request: {
      providerCallId: body.conversation_uuid,
      callingNumber: toCallingNumber(body.from ?? null, 'digits'),
      calledNumber: toCalledNumber(body.to ?? null, 'digits'),
      attestation: null,
      digits: digits || null,
    },
  };
}

const ENDS: ReadonlyMap<string, Termination> = new Map([
  ['completed', Termination.Completed],
  ['busy', Termination.Busy],
  ['timeout', Termination.NoAnswer],
  ['unanswered', Termination.NoAnswer],
  ['cancelled', Termination.Cancelled],
  ['rejected', Termination.Failed],
  ['failed', Termination.Failed],
  ['disconnected', Termination.Failed],
]);

/**
 * The callee's leg (`outbound`) tells how a call goes. Of the caller's leg only an end without a second of talk
 * counts: then nobody was reached, and the callee's leg may never have existed.
 */
function toStatus(body: Static<typeof EventBody>): ParsedWebhook {
  const { status = '', conversation_uuid: providerCallId } = body;
  const isCallee = body.direction === 'outbound';
  const durationSeconds = toSeconds(body.duration);
  const end = ENDS.get(status);
  if (status !== 'ringing' && status !== 'answered' && end === undefined) {
    return { kind: 'ignored', why: 'The event says nothing of how the call goes.' };
  }
  const neverTalked = end !== undefined && (status !== 'completed' || durationSeconds === 0);
  if (!isCallee && !neverTalked) {
    return { kind: 'ignored', why: "The callee's leg tells how the call goes." };
  }
  const at = toInstant(body.timestamp);
  if (end === undefined) {
    const legStatus = { status: status === 'ringing' ? 'ringing' : 'answered', at } as const;
    return { kind: 'status', callback: { providerCallId, legStatus } };
  }
  const termination = isCallee ? refine(end, body.detail ?? null) : Termination.Cancelled;
  const nativeCause = [status, word(body.detail)].filter((each) => each !== null).join('/');
  const legStatus = { status: 'ended', at, termination, durationSeconds, nativeCause } as const;
  return { kind: 'status', callback: { providerCallId, legStatus } };
}

/** A callee who declines is busy to us; everything else that is rejected never reached anybody. */
function refine(end: Termination, detail: string | null): Termination {
  return end === Termination.Failed && detail === 'declined' ? Termination.Busy : end;
}

function toMessage(body: Static<typeof MessageBody>): ParsedWebhook {
  return {
    kind: 'message',
    message: {
      providerMessageId: body.message_uuid,
      sendingNumber: toCallingNumber(numberOf(body.from), 'digits'),
      calledNumber: toCalledNumber(numberOf(body.to), 'digits'),
      body: body.text ?? captionOf(body),
      // A message of the API has one part: a text, or one picture or file.
      attachments: (body.message_type ?? 'text') === 'text' ? 0 : 1,
    },
  };
}

/** What is said beside a picture stands in its own part: `"message_type": "image", "image": { "url", "caption" }`. */
function captionOf(body: Static<typeof MessageBody>): string {
  const part: unknown = Object.entries(body).find(([name]) => name === body.message_type)?.[1];
  const caption = typeof part === 'object' && part !== null && 'caption' in part ? part.caption : '';
  return typeof caption === 'string' ? caption.slice(0, TEXT_LENGTH_MAXIMUM) : '';
}

/** Version 1 of the API writes a number, version 0.1 an object with one. */
function numberOf(party: string | { readonly number?: string }): string | null {
  return typeof party === 'string' ? party : (party.number ?? null);
}

function toInstant(text: string | undefined): number {
  // RFC 3339; Date.parse alone would also read "2" or a date without a time zone.
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(text ?? '')
    ? Date.parse(text ?? '')
    : Number.NaN;
  if (Number.isNaN(at)) throw new ProviderError('malformed', 'The time of the event does not exist.');
  return at;
}

function toSeconds(duration: string | number | null | undefined): number | null {
  const seconds = /^[0-9]{1,6}$/.test(String(duration)) ? Number(duration) : null;
  return seconds !== null && seconds <= 7 * 86_400 ? seconds : null;
}

/** Details are words such as `cannot_route`; what is none may hold a number. */
function word(detail: string | null | undefined): string | null {
  return detail && /^[a-z][a-z_]{0,60}$/.test(detail) ? detail : null;
}

function hasKey(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && key in value;
}

function reader<S extends TSchema>(schema: S): (value: unknown) => Static<S> {
  const validator = Compile(schema);
  return (value) => {
    if (validator.Check(value)) return value as Static<S>;
    // Where and why, never what: the value may be somebody's number.
    const first = validator.Errors(value)[0];
    const where = first?.instancePath ?? '';
    throw new ProviderError('malformed', `The webhook's body${where} ${first?.message ?? ''}.`);
  };
}
