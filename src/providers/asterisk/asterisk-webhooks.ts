import { Termination } from '../../domain/call.ts';
import { assertNever } from '../../lib/assert.ts';
import type { FormFields } from '../form-fields.ts';
import { type ParsedWebhook, ProviderError, type WebhookKind, type WebhookRequest } from '../provider.ts';
import { formField, readFormBody, requiredField } from '../webhook-body.ts';
import { toCalledNumber, toCallingNumber } from '../wire-number.ts';

const ID_LENGTH_MAXIMUM = 150;
const NUMBER_LENGTH_MAXIMUM = 64;

/** Reads what the dialplan posts (docs/providers/asterisk.md). @throws ProviderError `malformed` */
export function parseAsteriskWebhook(kind: WebhookKind, request: WebhookRequest): ParsedWebhook {
  const fields = readFormBody(request.rawBody);
  switch (kind) {
    case 'answer':
      return toAnswer(fields);
    case 'status':
      return toStatus(fields);
    case 'message':
      requiredField(fields, 'callId', ID_LENGTH_MAXIMUM);
      return { kind: 'ignored', why: 'The dialplan asks about calls only.' };
    default:
      return assertNever(kind);
  }
}

function toAnswer(fields: FormFields): ParsedWebhook {
  const digits = formField(fields, 'digits');
  return {
    kind: 'answer',
    request: {
      providerCallId: requiredField(fields, 'callId', ID_LENGTH_MAXIMUM),
      callingNumber: toCallingNumber(short(formField(fields, 'from')), 'digits'),
      calledNumber: toCalledNumber(short(requiredField(fields, 'to', NUMBER_LENGTH_MAXIMUM)), 'digits'),
      attestation: null,
      digits: digits !== null && /^[0-9*#]{1,16}$/.test(digits) ? digits : null,
    },
  };
}

/** `${DIALSTATUS}` as Dial() leaves it. */
const TERMINATIONS: ReadonlyMap<string, Termination> = new Map([
  ['ANSWER', Termination.Completed],
  ['BUSY', Termination.Busy],
  ['NOANSWER', Termination.NoAnswer],
  ['CANCEL', Termination.Cancelled],
]);

function toStatus(fields: FormFields): ParsedWebhook {
  const providerCallId = requiredField(fields, 'callId', ID_LENGTH_MAXIMUM);
  const event = requiredField(fields, 'event', 32);
  const at = whole(requiredField(fields, 'at', 20), 4_102_444_800) * 1_000;
  if (event === 'ringing' || event === 'answered') {
    return { kind: 'status', callback: { providerCallId, legStatus: { status: event, at } } };
  }
  if (event !== 'ended') return { kind: 'ignored', why: 'The status callback has an unknown event.' };
  const dialStatus = formField(fields, 'dialStatus') ?? '';
  const cause = formField(fields, 'hangupCause');
  const duration = formField(fields, 'durationSeconds');
  const termination =
    formField(fields, 'timeLimit') === '1'
      ? Termination.TimeLimit
      : (TERMINATIONS.get(dialStatus) ?? Termination.Failed);
  const nativeCause = [
    ...(/^[A-Z]{1,20}$/.test(dialStatus) ? [dialStatus] : []),
    ...(cause !== null && /^[0-9]{1,3}$/.test(cause) ? [`q850=${cause}`] : []),
  ].join(';');
  return {
    kind: 'status',
    callback: {
      providerCallId,
      legStatus: {
        status: 'ended',
        at,
        termination,
        durationSeconds: duration === null ? null : whole(duration, 7 * 86_400),
        nativeCause: nativeCause || null,
      },
    },
  };
}

function short(text: string | null): string | null {
  return text !== null && text.length <= NUMBER_LENGTH_MAXIMUM ? text : null;
}

function whole(text: string, maximum: number): number {
  if (/^[0-9]{1,12}$/.test(text) && Number(text) <= maximum) return Number(text);
  throw new ProviderError('malformed', "A time of the dialplan's callback is no whole number of seconds.");
}
