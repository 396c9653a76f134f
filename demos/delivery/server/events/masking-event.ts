import { Buffer } from 'node:buffer';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { DeliveredMessage } from '../../../../src/bus/bus.ts';

const Attribute = Type.String({ minLength: 1, maxLength: 256 });

const Envelope = Compile(
  Type.Object({
    specversion: Type.Literal('1.0'),
    id: Attribute,
    source: Attribute,
    type: Attribute,
    time: Type.Optional(Type.Union([Type.String({ maxLength: 64 }), Type.Null(), Type.Undefined()])),
    data: Type.Unknown(),
  }),
);

// Fields that we do not use, and fields that come later, are let through: an event may grow.
const Session = Compile(
  Type.Object({
    sessionId: Type.String(),
    reference: Type.String(),
    assignment: Type.Integer({ minimum: 0 }),
    participants: Type.Optional(
      Type.Array(
        Type.Object({
          role: Type.String(),
          userId: Type.Optional(Type.Union([Type.String(), Type.Null()])),
          virtualNumber: Type.Optional(Type.Union([Type.String(), Type.Null()])),
        }),
        { maxItems: 10 },
      ),
    ),
    reason: Type.Optional(Type.String()),
  }),
);

const NullableText = Type.Optional(Type.Union([Type.String(), Type.Null()]));

const Conversation = Compile(
  Type.Object({
    reference: NullableText,
    callingRole: NullableText,
    calledRole: NullableText,
    sendingRole: NullableText,
    receivingRole: NullableText,
    virtualNumber: NullableText,
    reason: NullableText,
    durationSeconds: Type.Optional(Type.Union([Type.Number({ minimum: 0 }), Type.Null()])),
  }),
);

export interface EventEnvelope {
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly time: string | null;
  readonly data: unknown;
}

export interface SessionEvent {
  readonly sessionId: string;
  readonly reference: string;
  readonly assignment: number;
  readonly participants: readonly {
    readonly role: string;
    readonly userId: string | null;
    readonly virtualNumber: string | null;
  }[];
  readonly reason: string | null;
}

export interface ConversationEvent {
  readonly reference: string | null;
  readonly fromRole: string | null;
  readonly toRole: string | null;
  readonly virtualNumber: string | null;
  readonly reason: string | null;
  readonly durationSeconds: number | null;
}

/**
 * Reads CloudEvents 1.0 in structured or binary mode; null when the message is none. An event without an id is
 * none: it could not be told from its own repetition.
 */
export function readEnvelope({
  value,
  headers,
}: Pick<DeliveredMessage, 'value' | 'headers'>): EventEnvelope | null {
  const json = parseJson(Buffer.from(value).toString('utf8'));
  const isBinaryMode = headers.ce_id !== undefined;
  const event = isBinaryMode
    ? {
        specversion: headers.ce_specversion,
        id: headers.ce_id,
        source: headers.ce_source,
        type: headers.ce_type,
        time: headers.ce_time,
        data: json,
      }
    : json;
  if (!Envelope.Check(event)) return null;
  const { source, id, type, time, data } = event;
  return { source, id, type, time: time ?? null, data };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** null when the data is not what `session.*` carries. */
export function readSessionEvent(data: unknown): SessionEvent | null {
  if (!Session.Check(data)) return null;
  return {
    sessionId: data.sessionId,
    reference: data.reference,
    assignment: data.assignment,
    participants: (data.participants ?? []).map(({ role, userId, virtualNumber }) => ({
      role,
      userId: userId ?? null,
      virtualNumber: virtualNumber ?? null,
    })),
    reason: data.reason ?? null,
  };
}

/** null when the data is not what `call.*` and `message.*` carry. */
export function readConversationEvent(data: unknown): ConversationEvent | null {
  if (!Conversation.Check(data)) return null;
  return {
    reference: data.reference ?? null,
    fromRole: data.callingRole ?? data.sendingRole ?? null,
    toRole: data.calledRole ?? data.receivingRole ?? null,
    virtualNumber: data.virtualNumber ?? null,
    reason: data.reason ?? null,
    durationSeconds: data.durationSeconds ?? null,
  };
}
