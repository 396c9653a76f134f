import { isIPv6 } from 'node:net';
import Type, { type Static } from 'typebox';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { assertNever } from '../../lib/assert.ts';
import { readCallingNumber } from '../calling-number.ts';
import { hasBasicAuth } from '../basic-auth.ts';
import type { ParsedWebhook, WebhookKind, WebhookRequest } from '../provider.ts';
import { jsonBodyReader } from '../shaped-body.ts';
import { type SipConfig, toBlockList } from './sip-config.ts';
import { toTermination } from './sip-termination.ts';

export const SIP_USERNAME = 'edge';

/** Whether our edge asks: the secret path is proved already, this is the password, and the address where one is set. */
export function sipAuthenticator(config: SipConfig): (request: WebhookRequest) => boolean {
  const sources = config.sourceAddresses === undefined ? null : toBlockList(config.sourceAddresses);
  return (request) => {
    const { remoteAddress } = request;
    if (sources && !sources.check(remoteAddress, isIPv6(remoteAddress) ? 'ipv6' : 'ipv4')) return false;
    return hasBasicAuth(request, SIP_USERNAME, [config.password, config.previousPassword]);
  };
}

const Id = Type.String({ minLength: 1, maxLength: 128 });
const NumberText = Type.Union([Type.String({ maxLength: 64 }), Type.Null()]);

// Unknown fields pass: an edge may be newer than we are.
const AnswerBody = Type.Object({
  callId: Id,
  callingNumber: Type.Optional(NumberText),
  calledNumber: Type.String({ maxLength: 64 }),
  attestation: Type.Optional(
    Type.Union([Type.Literal('A'), Type.Literal('B'), Type.Literal('C'), Type.Null()]),
  ),
  digits: Type.Optional(Type.Union([Type.String({ pattern: '^[0-9*#]{0,16}$' }), Type.Null()])),
});

const StatusBody = Type.Object({
  callId: Id,
  event: Type.String({ maxLength: 100 }),
  /** Unix seconds, with a fraction or without; until the year 2100 */
  at: Type.Number({ minimum: 0, maximum: 4_102_444_800 }),
  sipStatus: Type.Optional(Type.Integer({ minimum: 100, maximum: 699 })),
  q850Cause: Type.Optional(Type.Integer({ minimum: 1, maximum: 127 })),
  endedBy: Type.Optional(Type.Union([Type.Literal('caller'), Type.Literal('callee'), Type.Literal('edge')])),
  durationSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 7 * 86_400 })),
});

const REPORTS_MAXIMUM = 50;
const ReportsBody = Type.Object({
  reports: Type.Array(StatusBody, { minItems: 1, maxItems: REPORTS_MAXIMUM }),
});

const MessageBody = Type.Object({
  messageId: Id,
  callingNumber: Type.Optional(NumberText),
  calledNumber: Type.String({ maxLength: 64 }),
  body: Type.String({ maxLength: 1_600 }),
});

const readAnswer = jsonBodyReader(AnswerBody);
const readStatus = jsonBodyReader(StatusBody);
const readReports = jsonBodyReader(ReportsBody);
const readShape = jsonBodyReader(Type.Object({ reports: Type.Optional(Type.Unknown()) }));
const readMessage = jsonBodyReader(MessageBody);

/** Reads an authentic request. @throws ProviderError `malformed` */
export function parseSipWebhook(kind: WebhookKind, request: WebhookRequest): ParsedWebhook {
  switch (kind) {
    case 'answer':
      return toAnswer(readAnswer(request));
    case 'status':
      return readShape(request).reports === undefined
        ? toStatus(readStatus(request))
        : toStatuses(readReports(request));
    case 'message':
      return toMessage(readMessage(request));
    default:
      return assertNever(kind);
  }
}

function toAnswer(body: Static<typeof AnswerBody>): ParsedWebhook {
  return {
    kind: 'answer',
    request: {
      providerCallId: body.callId,
      callingNumber: readCallingNumber(body.callingNumber ?? ''),
      calledNumber: toVirtualNumber(body.calledNumber),
      attestation: body.attestation ?? null,
      digits: body.digits || null,
    },
  };
}

/** An edge with much to report puts it into one request. */
function toStatuses(body: Static<typeof ReportsBody>): ParsedWebhook {
  const callbacks = body.reports.flatMap((report) => {
    const read = toStatus(report);
    return read.kind === 'status' ? [read.callback] : [];
  });
  return { kind: 'statuses', callbacks };
}

function toStatus(body: Static<typeof StatusBody>): ParsedWebhook {
  const { callId: providerCallId, event } = body;
  const at = Math.round(body.at * 1_000);
  if (event === 'ringing' || event === 'answered') {
    return { kind: 'status', callback: { providerCallId, legStatus: { status: event, at } } };
  }
  if (event !== 'ended') return { kind: 'ignored', why: 'The status callback has an unknown event.' };
  const durationSeconds = body.durationSeconds ?? null;
  const legStatus = { status: 'ended', at, durationSeconds, ...toTermination(body) } as const;
  return { kind: 'status', callback: { providerCallId, legStatus } };
}

function toMessage(body: Static<typeof MessageBody>): ParsedWebhook {
  return {
    kind: 'message',
    message: {
      providerMessageId: body.messageId,
      sendingNumber: readCallingNumber(body.callingNumber ?? ''),
      calledNumber: toVirtualNumber(body.calledNumber),
      body: body.body,
      attachments: 0,
    },
  };
}
