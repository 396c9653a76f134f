import Type, { type Static } from 'typebox';
import { Termination } from '../../domain/call.ts';
import { assertNever } from '../../lib/assert.ts';
import type { Instant } from '../../lib/clock.ts';
import type { ParsedWebhook, WebhookKind, WebhookRequest } from '../provider.ts';
import { jsonBodyReader } from '../shaped-body.ts';
import { toCalledNumber, toCallingNumber } from '../wire-number.ts';

const Id = Type.String({ minLength: 1, maxLength: 100 });
const NumberText = Type.Optional(Type.Union([Type.String({ maxLength: 200 }), Type.Null()]));

const AnswerBody = Type.Object({
  call_sid: Id,
  from: NumberText,
  to: NumberText,
  digits: Type.Optional(Type.String({ maxLength: 100 })),
  sip: Type.Optional(Type.Object({ headers: Type.Optional(Type.Record(Type.String(), Type.Unknown())) })),
});

const StatusBody = Type.Object({
  call_sid: Id,
  call_status: Type.String({ maxLength: 50 }),
  direction: Type.Optional(Type.String({ maxLength: 50 })),
  sip_status: Type.Optional(Type.Integer({ minimum: 100, maximum: 699 })),
  duration: Type.Optional(Type.Integer({ minimum: 0, maximum: 7 * 86_400 })),
});

const readAnswer = jsonBodyReader(AnswerBody);
const readStatus = jsonBodyReader(StatusBody);
const readMessage = jsonBodyReader(Type.Object({ message_sid: Id }));

/** Reads an authentic request; it carries no time, so `now` is when things happened. @throws ProviderError `malformed` */
export function parseJambonzWebhook(kind: WebhookKind, request: WebhookRequest, now: Instant): ParsedWebhook {
  switch (kind) {
    case 'answer':
      return toAnswer(readAnswer(request));
    case 'status':
      return toStatus(readStatus(request), now);
    case 'message':
      readMessage(request);
      return { kind: 'ignored', why: 'Texts of jambonz are not relayed.' };
    default:
      return assertNever(kind);
  }
}

function toAnswer(body: Static<typeof AnswerBody>): ParsedWebhook {
  const digits = body.digits ?? '';
  return {
    kind: 'answer',
    request: {
      providerCallId: body.call_sid,
      callingNumber:
        toCallingNumber(body.from ?? null, 'digits') ?? toCallingNumber(assertedIdentity(body), 'digits'),
      calledNumber: toCalledNumber(body.to ?? null, 'digits'),
      attestation: null,
      digits: /^[0-9*#]{1,16}$/.test(digits) ? digits : null,
    },
  };
}

/** `from` is the From header; a caller who withholds it is known to the trunk by P-Asserted-Identity (RFC 3325). */
function assertedIdentity(body: Static<typeof AnswerBody>): string | null {
  const headers = Object.entries(body.sip?.headers ?? {});
  const [, value] = headers.find(([name]) => name.toLowerCase() === 'p-asserted-identity') ?? [];
  return (typeof value === 'string' && /<(?:sips?|tel):(\+?[0-9]+)[@;>]/.exec(value)?.[1]) || null;
}

const TERMINATIONS: ReadonlyMap<string, Termination> = new Map([
  ['completed', Termination.Completed],
  ['busy', Termination.Busy],
  ['no-answer', Termination.NoAnswer],
  ['failed', Termination.Failed],
]);

function toStatus(body: Static<typeof StatusBody>, at: Instant): ParsedWebhook {
  const { call_sid: providerCallId, call_status: status, sip_status: sipStatus } = body;
  // The leg to the callee has an id of its own, which nobody asked about.
  if (body.direction === 'outbound') return { kind: 'ignored', why: 'This is about the leg to the callee.' };
  if (status === 'ringing')
    return { kind: 'status', callback: { providerCallId, legStatus: { status: 'ringing', at } } };
  if (status === 'in-progress') {
    return { kind: 'status', callback: { providerCallId, legStatus: { status: 'answered', at } } };
  }
  const termination = TERMINATIONS.get(status);
  if (termination === undefined) return { kind: 'ignored', why: 'The status says nothing that we keep.' };
  return {
    kind: 'status',
    callback: {
      providerCallId,
      legStatus: {
        status: 'ended',
        at,
        termination: sipStatus === 487 ? Termination.Cancelled : termination,
        durationSeconds: body.duration ?? null,
        nativeCause: sipStatus === undefined ? status : `${status};sip=${sipStatus}`,
      },
    },
  };
}
