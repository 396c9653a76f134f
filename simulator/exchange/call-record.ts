import type { Instant } from '../../src/lib/clock.ts';

/**
 * `ringing → answered → ended`, or `ringing → ended`. A call that never rang is `refused` (the account whose
 * number was dialled did not want it) or `failed` (busy, not in service, or the account's answer was no answer).
 */
export type CallState = 'ringing' | 'answered' | 'ended' | 'refused' | 'failed';

/** `busy` covers a callee who declines: that is how networks report it. */
export type Termination = 'completed' | 'busy' | 'no_answer' | 'cancelled' | 'failed' | 'time_limit';

export interface BLeg {
  readonly to: string;
  /** what the callee's phone shows: E.164, or `anonymous` */
  readonly callerId: string;
}

export interface CallRecord {
  readonly callId: string;
  readonly from: string;
  /** what was dialled */
  readonly to: string;
  readonly withheld: boolean;
  readonly state: CallState;
  /** the sentence that the caller heard instead of a connection */
  readonly heard: string | null;
  /** the callee's leg; null when no phone was dialled */
  readonly bLeg: BLeg | null;
  readonly startedAt: Instant;
  readonly answeredAt: Instant | null;
  readonly endedAt: Instant | null;
  /** talk, in whole seconds, rounded; null while the call is up */
  readonly durationSeconds: number | null;
  /** null while the call is up, and for a refused call */
  readonly termination: Termination | null;
}

/** A phone dials; nothing has been decided. Never stored and never shown in this shape. */
export type DialledCall = Pick<CallRecord, 'callId' | 'from' | 'to' | 'withheld' | 'startedAt'>;

export function isUp(call: CallRecord): boolean {
  return call.state === 'ringing' || call.state === 'answered';
}

export function ringingCall(call: DialledCall, bLeg: BLeg): CallRecord {
  return {
    ...call,
    state: 'ringing',
    heard: null,
    bLeg,
    answeredAt: null,
    endedAt: null,
    durationSeconds: null,
    termination: null,
  };
}

export function refusedCall(call: DialledCall, heard: string | null, at: Instant): CallRecord {
  return { ...unconnected(call, at), state: 'refused', heard, bLeg: null, termination: null };
}

export function failedCall(
  call: DialledCall,
  failure: { readonly heard: string; readonly termination: 'busy' | 'failed'; readonly bLeg: BLeg | null },
  at: Instant,
): CallRecord {
  return { ...unconnected(call, at), state: 'failed', ...failure };
}

export function answeredCall(call: CallRecord, at: Instant): CallRecord {
  return { ...call, state: 'answered', answeredAt: at };
}

export function endedCall(call: CallRecord, termination: Termination, at: Instant): CallRecord {
  const durationSeconds =
    call.answeredAt === null ? 0 : Math.max(0, Math.round((at - call.answeredAt) / 1000));
  return { ...call, state: 'ended', endedAt: at, durationSeconds, termination };
}

function unconnected(call: DialledCall, at: Instant) {
  return { ...call, answeredAt: null, endedAt: at, durationSeconds: 0 };
}
