import type { CallRecord, CallState, Termination } from './call-record.ts';
import type { CallRecords } from './call-records.ts';
import type { MessageRecord, MessageRecords, MessageState } from './message-records.ts';
import { OperatorError } from './operator-error.ts';

/** How much of its past a phone shows: calls, and messages. */
export const PHONE_LOG_LENGTH = 100;
/** Over all phones: each watcher holds a connection. */
const WATCHERS_MAXIMUM = 1_000;

interface PhoneCallFacts {
  readonly callId: string;
  readonly state: CallState;
  readonly startedAt: number;
  readonly answeredAt: number | null;
  readonly endedAt: number | null;
  readonly durationSeconds: number | null;
  readonly termination: Termination | null;
}

/** A call as one of its phones sees it: what it dialled and heard, or what it showed. Never the other end. */
export type PhoneCall =
  | (PhoneCallFacts & {
      readonly direction: 'outgoing';
      readonly dialled: string;
      readonly heard: string | null;
    })
  | (PhoneCallFacts & { readonly direction: 'incoming'; readonly callerId: string });

interface PhoneMessageFacts {
  readonly messageId: string;
  readonly body: string;
  readonly at: number;
}

export type PhoneMessage =
  | (PhoneMessageFacts & {
      readonly direction: 'outgoing';
      readonly to: string;
      readonly state: MessageState;
    })
  | (PhoneMessageFacts & { readonly direction: 'incoming'; readonly from: string });

export interface PhoneView {
  readonly phone: string;
  /** newest first */
  readonly calls: readonly PhoneCall[];
  readonly messages: readonly PhoneMessage[];
}

export type PhoneEvent =
  | { readonly kind: 'call'; readonly call: PhoneCall }
  | { readonly kind: 'message'; readonly message: PhoneMessage };

type Watcher = (event: PhoneEvent) => void;

/** What each phone has dialled, rung with, seen and received, and who watches it. */
export class Phones {
  readonly #calls: CallRecords;
  readonly #messages: MessageRecords;
  readonly #watchers = new Map<string, Set<Watcher>>();
  #watching = 0;

  constructor(calls: CallRecords, messages: MessageRecords) {
    this.#calls = calls;
    this.#messages = messages;
  }

  view(phone: string): PhoneView {
    const calls = this.#calls.listByPhone(phone, PHONE_LOG_LENGTH);
    const messages = this.#messages.listByPhone(phone, PHONE_LOG_LENGTH);
    return {
      phone,
      calls: calls.flatMap((call) => phoneCalls(call, phone)).slice(0, PHONE_LOG_LENGTH),
      messages: messages.flatMap((message) => phoneMessages(message, phone)).slice(0, PHONE_LOG_LENGTH),
    };
  }

  /** Calls `watcher` with everything that happens on the phone, until the returned function is called. */
  watch(phone: string, watcher: Watcher): () => void {
    if (this.#watching >= WATCHERS_MAXIMUM) {
      throw new OperatorError(
        'TOO_MANY_WATCHERS',
        `${WATCHERS_MAXIMUM} connections watch phones. Close some.`,
      );
    }
    const watchers = this.#watchers.get(phone) ?? new Set();
    this.#watchers.set(phone, watchers.add(watcher));
    this.#watching++;
    return () => {
      if (!watchers.delete(watcher)) return;
      this.#watching--;
      if (watchers.size === 0 && this.#watchers.get(phone) === watchers) this.#watchers.delete(phone);
    };
  }

  noticeCall(call: CallRecord): void {
    for (const phone of new Set([call.from, call.bLeg?.to])) {
      const watchers = phone === undefined ? undefined : this.#watchers.get(phone);
      if (phone === undefined || !watchers) continue;
      for (const each of phoneCalls(call, phone)) {
        for (const watcher of [...watchers]) watcher({ kind: 'call', call: each });
      }
    }
  }

  noticeMessage(message: MessageRecord): void {
    for (const phone of new Set([message.from, message.delivered?.to])) {
      const watchers = phone === undefined ? undefined : this.#watchers.get(phone);
      if (phone === undefined || !watchers) continue;
      for (const each of phoneMessages(message, phone)) {
        for (const watcher of [...watchers]) watcher({ kind: 'message', message: each });
      }
    }
  }
}

/** One entry, or two for a phone that called itself, or none for one that the call never reached. */
function phoneCalls(call: CallRecord, phone: string): PhoneCall[] {
  const { callId, state, startedAt, answeredAt, endedAt, durationSeconds, termination } = call;
  const facts = { callId, state, startedAt, answeredAt, endedAt, durationSeconds, termination };
  const seen: PhoneCall[] = [];
  if (call.from === phone) {
    seen.push({ ...facts, direction: 'outgoing', dialled: call.to, heard: call.heard });
  }
  // A busy phone was dialled but did not ring.
  if (call.bLeg?.to === phone && state !== 'failed') {
    seen.push({ ...facts, direction: 'incoming', callerId: call.bLeg.callerId });
  }
  return seen;
}

function phoneMessages(message: MessageRecord, phone: string): PhoneMessage[] {
  const { messageId, sentAt: at } = message;
  const seen: PhoneMessage[] = [];
  if (message.from === phone) {
    const { body, state, to } = message;
    seen.push({ messageId, at, direction: 'outgoing', to, body, state });
  }
  if (message.delivered?.to === phone) {
    const { body, from } = message.delivered;
    seen.push({ messageId, at, direction: 'incoming', from, body });
  }
  return seen;
}
