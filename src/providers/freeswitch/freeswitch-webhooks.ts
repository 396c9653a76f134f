import Type from 'typebox';
import { Termination } from '../../domain/call.ts';
import { assertNever } from '../../lib/assert.ts';
import type { FormFields } from '../form-fields.ts';
import { type ParsedWebhook, ProviderError, type WebhookKind, type WebhookRequest } from '../provider.ts';
import { jsonBodyReader } from '../shaped-body.ts';
import { formField, readFormBody, requiredField } from '../webhook-body.ts';
import { toCalledNumber, toCallingNumber } from '../wire-number.ts';

const ID_LENGTH_MAXIMUM = 100;

/** Reads what mod_xml_curl, mod_httapi or mod_json_cdr posts. @throws ProviderError `malformed` */
export function parseFreeswitchWebhook(kind: WebhookKind, request: WebhookRequest): ParsedWebhook {
  switch (kind) {
    case 'answer':
      return toAnswer(readFormBody(request.rawBody));
    case 'status':
      return toStatus(readCallRecord(request).variables);
    case 'message':
      requiredField(readFormBody(request.rawBody), 'session_id', ID_LENGTH_MAXIMUM);
      return { kind: 'ignored', why: 'FreeSWITCH asks about calls only.' };
    default:
      return assertNever(kind);
  }
}

function toAnswer(fields: FormFields): ParsedWebhook {
  // mod_xml_curl asks for configuration and users as well, if it is bound to them.
  const section = formField(fields, 'section');
  if (section !== null && section !== 'dialplan') {
    return { kind: 'ignored', why: `FreeSWITCH asks for its ${section.slice(0, 20)}, not about a call.` };
  }
  // mod_httapi comes back after each step, and once more at the end.
  if (formField(fields, 'exiting') === 'true') return { kind: 'ignored', why: 'The application has ended.' };
  const providerCallId =
    formField(fields, 'Hunt-Unique-ID') ?? formField(fields, 'Unique-ID') ?? formField(fields, 'session_id');
  if (providerCallId === null || providerCallId.length > ID_LENGTH_MAXIMUM) {
    throw new ProviderError('malformed', 'The webhook has no id of the call that can be read.');
  }
  // Hunt- is what the dialplan is looked up for; Caller- is the same unless somebody changed it on the way.
  const pick = (name: string): string | null =>
    formField(fields, `Hunt-${name}`) ?? formField(fields, `Caller-${name}`);
  return {
    kind: 'answer',
    request: {
      providerCallId,
      callingNumber: toCallingNumber(pick('Caller-ID-Number'), 'digits'),
      calledNumber: toCalledNumber(pick('Destination-Number'), 'digits'),
      attestation: null,
      digits: null,
    },
  };
}

const Text = Type.Optional(Type.String({ maxLength: 200 }));
const readCallRecord = jsonBodyReader(
  Type.Object({
    variables: Type.Object({
      uuid: Type.String({ minLength: 1, maxLength: ID_LENGTH_MAXIMUM }),
      end_epoch: Type.String({ pattern: '^[0-9]{1,10}$' }),
      billsec: Type.Optional(Type.String({ pattern: '^[0-9]{1,6}$' })),
      hangup_cause: Text,
      hangup_cause_q850: Text,
      bridge_hangup_cause: Text,
      originate_disposition: Text,
      last_bridge_hangup_cause: Text,
    }),
  }),
);

/** Names of Q.850 causes as FreeSWITCH writes them. */
const TERMINATIONS: ReadonlyMap<string, Termination> = new Map([
  ['NORMAL_CLEARING', Termination.Completed],
  ['ALLOTTED_TIMEOUT', Termination.TimeLimit],
  ['USER_BUSY', Termination.Busy],
  ['NO_ANSWER', Termination.NoAnswer],
  ['NO_USER_RESPONSE', Termination.NoAnswer],
  ['ORIGINATOR_CANCEL', Termination.Cancelled],
]);

function toStatus(variables: ReturnType<typeof readCallRecord>['variables']): ParsedWebhook {
  const { uuid: providerCallId, end_epoch, billsec, hangup_cause = '', hangup_cause_q850 } = variables;
  // At the time limit the callee's leg is the one that was hung up by it.
  const limited = [hangup_cause, variables.bridge_hangup_cause, variables.last_bridge_hangup_cause].includes(
    'ALLOTTED_TIMEOUT',
  );
  const known = TERMINATIONS.get(limited ? 'ALLOTTED_TIMEOUT' : hangup_cause) ?? Termination.Failed;
  const durationSeconds = billsec === undefined ? null : Number(billsec);
  // A normal end of a call that nobody answered was the caller's.
  const cancelled = known === Termination.Completed && durationSeconds === 0;
  const cause = /^[A-Z_]{1,60}$/.test(hangup_cause) ? hangup_cause : null;
  const q850 =
    hangup_cause_q850 !== undefined && /^[0-9]{1,3}$/.test(hangup_cause_q850)
      ? `q850=${hangup_cause_q850}`
      : null;
  return {
    kind: 'status',
    callback: {
      providerCallId,
      legStatus: {
        status: 'ended',
        at: Number(end_epoch) * 1_000,
        termination: cancelled ? Termination.Cancelled : known,
        durationSeconds,
        nativeCause: [cause, q850].filter((each) => each !== null).join(';') || null,
      },
    },
  };
}
