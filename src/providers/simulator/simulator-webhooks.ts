import { createHmac, timingSafeEqual } from 'node:crypto';
import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Termination } from '../../domain/call.ts';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { assertNever } from '../../lib/assert.ts';
import type { Instant } from '../../lib/clock.ts';
import { readCallingNumber } from '../calling-number.ts';
import { type ParsedWebhook, ProviderError, type WebhookKind, type WebhookRequest } from '../provider.ts';
import type { SimulatorConfig } from './simulator-config.ts';

export const TIMESTAMP_HEADER = 'x-simulator-timestamp';
export const SIGNATURE_HEADER = 'x-simulator-signature';

/** How far the clocks may differ, either way: a captured request is worth nothing after that. */
const TOLERANCE_SECONDS = 300;
/** The largest honest body is a text of 1,600 characters. */
const BODY_BYTES_MAXIMUM = 64 * 1024;

/**
 * Whether the operator signed this: `v1=` and the hex HMAC-SHA-256 over method, path with query, timestamp and
 * raw body, a line feed between each (simulator/README.md). It is decided before anything is parsed.
 */
export function isSimulatorWebhook(request: WebhookRequest, config: SimulatorConfig, now: Instant): boolean {
  const timestamp = request.headers[TIMESTAMP_HEADER] ?? '';
  const signature = /^v1=([0-9a-f]{64})$/.exec(request.headers[SIGNATURE_HEADER] ?? '')?.[1];
  const pathAndQuery = /^https?:\/\/[^/?#]+(\/[^#]*)$/.exec(request.url)?.[1];
  if (!signature || !pathAndQuery || !/^[0-9]{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const given = Buffer.from(signature, 'hex');
  // Every secret is tried, so that the time taken does not tell which of them signed.
  let authentic = false;
  for (const secret of [config.sharedSecret, config.previousSharedSecret]) {
    if (secret === undefined) continue;
    const hmac = createHmac('sha256', secret);
    hmac.update(`${request.method}\n${pathAndQuery}\n${timestamp}\n`).update(request.rawBody);
    if (timingSafeEqual(hmac.digest(), given)) authentic = true;
  }
  return authentic;
}

const Id = Type.String({ minLength: 1, maxLength: 100 });
const NumberText = Type.String({ maxLength: 100 });

// Unknown fields pass: an operator adds some without asking.
const AnswerBody = Type.Object({
  callId: Id,
  from: NumberText,
  to: NumberText,
  attestation: Type.Optional(Type.Union([Type.Literal('A'), Type.Literal('B'), Type.Literal('C')])),
  digits: Type.Optional(Type.String({ pattern: '^[0-9*#]{1,20}$' })),
});

const StatusBody = Type.Object({
  callId: Id,
  event: Type.String({ maxLength: 100 }),
  at: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?Z$' }),
  termination: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  durationSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 7 * 86_400 })),
});

const MessageBody = Type.Object({
  messageId: Id,
  from: NumberText,
  to: NumberText,
  body: Type.String({ maxLength: 1_600 }),
});

const readAnswer = reader(AnswerBody);
const readStatus = reader(StatusBody);
const readMessage = reader(MessageBody);

/** Reads an authentic request. @throws ProviderError `malformed` */
export function parseSimulatorWebhook(kind: WebhookKind, request: WebhookRequest): ParsedWebhook {
  switch (kind) {
    case 'answer':
      return toAnswer(readAnswer(request));
    case 'status':
      return toStatus(readStatus(request));
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
      // A withheld caller is `anonymous`, which is no number, and so is everything else that does not parse.
      callingNumber: readCallingNumber(body.from),
      calledNumber: toVirtualNumber(body.to),
      attestation: body.attestation ?? null,
      digits: body.digits ?? null,
    },
  };
}

const TERMINATIONS: ReadonlyMap<string, Termination> = new Map([
  ['completed', Termination.Completed],
  ['busy', Termination.Busy],
  ['no_answer', Termination.NoAnswer],
  ['cancelled', Termination.Cancelled],
  ['failed', Termination.Failed],
  ['time_limit', Termination.TimeLimit],
]);

function toStatus(body: Static<typeof StatusBody>): ParsedWebhook {
  const at = Date.parse(body.at);
  if (Number.isNaN(at))
    throw new ProviderError('malformed', 'The time of the status callback does not exist.');
  const { callId: providerCallId, event, termination } = body;
  if (event === 'ringing' || event === 'answered') {
    return { kind: 'status', callback: { providerCallId, legStatus: { status: event, at } } };
  }
  if (event !== 'ended') return { kind: 'ignored', why: 'The status callback has an unknown event.' };
  return {
    kind: 'status',
    callback: {
      providerCallId,
      legStatus: {
        status: 'ended',
        at,
        // A word that is not known yet still means that the call is over, and not that it went well.
        termination: TERMINATIONS.get(termination ?? '') ?? Termination.Failed,
        durationSeconds: body.durationSeconds ?? null,
        nativeCause: termination ?? null,
      },
    },
  };
}

function toMessage(body: Static<typeof MessageBody>): ParsedWebhook {
  return {
    kind: 'message',
    message: {
      providerMessageId: body.messageId,
      sendingNumber: readCallingNumber(body.from),
      calledNumber: toVirtualNumber(body.to),
      body: body.body,
      attachments: 0,
    },
  };
}

function reader<S extends TSchema>(schema: S): (request: WebhookRequest) => Static<S> {
  const validator = Compile(schema);
  return (request) => {
    const value = readJson(request.rawBody);
    if (validator.Check(value)) return value as Static<S>;
    // Where and why, never what: the value may be somebody's number.
    const first = validator.Errors(value)[0];
    throw new ProviderError(
      'malformed',
      `The webhook's body${first?.instancePath ?? ''} ${first?.message ?? ''}.`,
    );
  };
}

function readJson(rawBody: Uint8Array): unknown {
  if (rawBody.length > BODY_BYTES_MAXIMUM) {
    throw new ProviderError('malformed', `The webhook's body is longer than ${BODY_BYTES_MAXIMUM} bytes.`);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(rawBody));
  } catch {
    // The parser's own message quotes the text, so it is not passed on.
    throw new ProviderError('malformed', "The webhook's body is not JSON in UTF-8.");
  }
}
