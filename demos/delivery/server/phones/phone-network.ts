import { EventSourceParserStream } from 'eventsource-parser/stream';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { type OutsideAnswer, outsideRequest } from '../outside-request.ts';
import { DeliveryError } from '../problem.ts';

const TIMEOUT_MS = 5_000;
/** Dialling returns when the other phone rings, and the operator itself waits for answers on the way. */
const DIAL_TIMEOUT_MS = 15_000;

const NullableText = Type.Optional(Type.Union([Type.String(), Type.Null()]));

const CallFacts = Type.Object({
  callId: Type.String(),
  state: Type.Union([
    Type.Literal('ringing'),
    Type.Literal('answered'),
    Type.Literal('ended'),
    Type.Literal('refused'),
    Type.Literal('failed'),
  ]),
  startedAt: Type.String(),
  answeredAt: NullableText,
  endedAt: NullableText,
});

const Call = Type.Intersect([
  CallFacts,
  Type.Union([
    Type.Object({ direction: Type.Literal('outgoing'), dialled: Type.String(), heard: NullableText }),
    Type.Object({ direction: Type.Literal('incoming'), callerId: Type.String() }),
  ]),
]);

const Message = Type.Intersect([
  Type.Object({ messageId: Type.String(), body: Type.String(), at: Type.String() }),
  Type.Union([
    Type.Object({ direction: Type.Literal('outgoing'), to: Type.String(), state: Type.String() }),
    Type.Object({ direction: Type.Literal('incoming'), from: Type.String() }),
  ]),
]);

const Phone = Compile(Type.Object({ calls: Type.Array(Call), messages: Type.Array(Message) }));
const Dialled = Compile(Type.Object({ callId: Type.String(), state: Type.String(), heard: NullableText }));
const Sent = Compile(Type.Object({ messageId: Type.String(), state: Type.String() }));

export type NetworkCall = Type.Static<typeof Call>;
export type NetworkMessage = Type.Static<typeof Message>;
export interface NetworkPhone {
  readonly calls: readonly NetworkCall[];
  readonly messages: readonly NetworkMessage[];
}
export interface DialledCall {
  readonly callId: string;
  readonly state: string;
  /** the operator's announcement when the call was not put through */
  readonly heard: string | null;
}
export interface SentMessage {
  readonly messageId: string;
  readonly state: string;
}

/**
 * The telephone network that the handsets live in. All numbers are E.164; real numbers are among them, so that
 * nothing from here goes to a page as it is. Every method throws DeliveryError
 * DELIVERY_PHONE_NETWORK_UNAVAILABLE when the network does not answer.
 */
export interface PhoneNetwork {
  phone(e164: string): Promise<NetworkPhone>;
  /** @throws DeliveryError DELIVERY_INVALID_NUMBER when the network refuses the number as such */
  dial(from: string, to: string): Promise<DialledCall>;
  /** @throws DeliveryError DELIVERY_NOT_FOUND, DELIVERY_CALL_ENDED */
  answer(callId: string): Promise<void>;
  /** `by` is who puts the phone down. @throws DeliveryError DELIVERY_NOT_FOUND, DELIVERY_CALL_ENDED */
  hangUp(callId: string, by: 'caller' | 'callee'): Promise<void>;
  /** @throws DeliveryError DELIVERY_INVALID_NUMBER */
  sendMessage(message: {
    readonly from: string;
    readonly to: string;
    readonly body: string;
  }): Promise<SentMessage>;
  /** Calls `changed` whenever the phone rings, answers, hangs up or receives, until the network ends the stream. */
  follow(e164: string, signal: AbortSignal, changed: () => void): Promise<void>;
}

export function createPhoneNetwork({ url }: { readonly url: string }): PhoneNetwork {
  const ask = (method: 'GET' | 'POST', path: string, body?: unknown, timeoutMs = TIMEOUT_MS) =>
    outsideRequest({
      baseUrl: url,
      path,
      method,
      timeoutMs,
      unavailable: 'DELIVERY_PHONE_NETWORK_UNAVAILABLE',
      ...(body === undefined ? {} : { body }),
    });

  async function actOnCall(callId: string, action: 'answer' | 'hangup', body: object): Promise<void> {
    const { status } = await ask('POST', `/calls/${encodeURIComponent(callId)}/${action}`, body);
    if (status === 404) throw new DeliveryError('DELIVERY_NOT_FOUND', 'There is no such call.');
    if (status >= 400) throw new DeliveryError('DELIVERY_CALL_ENDED', 'The other side was quicker.');
  }

  return {
    async phone(e164) {
      const answer = await ask('GET', `/phones/${encodeURIComponent(e164)}`);
      // The network may not keep a phone that has neither called nor rung.
      if (answer.status === 404) return { calls: [], messages: [] };
      if (!Phone.Check(answer.json)) throw unreadable();
      return answer.json;
    },
    async dial(from, to) {
      const answer = await ask('POST', '/calls', { from, to }, DIAL_TIMEOUT_MS);
      refuseClientError(answer);
      if (!Dialled.Check(answer.json)) throw unreadable();
      const { callId, state, heard } = answer.json;
      return { callId, state, heard: heard ?? null };
    },
    answer: (callId) => actOnCall(callId, 'answer', {}),
    hangUp: (callId, by) => actOnCall(callId, 'hangup', { by }),
    async sendMessage(message) {
      const answer = await ask('POST', '/messages', message, DIAL_TIMEOUT_MS);
      refuseClientError(answer);
      if (!Sent.Check(answer.json)) throw unreadable();
      return { messageId: answer.json.messageId, state: answer.json.state };
    },
    async follow(e164, signal, changed) {
      const response = await fetch(new URL(`/phones/${encodeURIComponent(e164)}/events`, url), {
        headers: { accept: 'text/event-stream' },
        redirect: 'error',
        signal,
      });
      if (!response.ok || !response.body) throw unreadable();
      changed();
      const events = response.body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream());
      for await (const _event of events) changed();
    },
  };
}

function refuseClientError({ status }: OutsideAnswer): void {
  if (status >= 400)
    throw new DeliveryError('DELIVERY_INVALID_NUMBER', 'The phone network does not know such a number.');
}

function unreadable(): DeliveryError {
  return new DeliveryError('DELIVERY_PHONE_NETWORK_UNAVAILABLE', 'Its answer is not what its contract says.');
}
