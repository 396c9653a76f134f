import type { Clock, TimerHandle } from '../../src/lib/clock.ts';
import type { StatusReport } from './account-webhooks.ts';
import {
  answeredCall,
  type BLeg,
  type CallRecord,
  type DialledCall,
  endedCall,
  ringingCall,
  type Termination,
} from './call-record.ts';
import type { CallRecords, CallTerms } from './call-records.ts';
import { OperatorError } from './operator-error.ts';
import type { Phones } from './phones.ts';
import type { StatusCallbacks } from './status-callbacks.ts';

export interface Bridge extends BLeg {
  readonly ringTimeoutSeconds: number;
  readonly maxCallSeconds: number;
}

interface LiveCall {
  call: CallRecord;
  readonly terms: CallTerms;
  /** the ring time-out, then the end of the longest call */
  timer: TimerHandle;
}

export interface LiveCallsOptions {
  readonly clock: Clock;
  readonly records: CallRecords;
  readonly phones: Phones;
  readonly callbacks: StatusCallbacks;
}

/** Calls that ring or talk: how they go on, when they end, and who is told. */
export class LiveCalls {
  readonly #options: LiveCallsOptions;
  readonly #up = new Map<string, LiveCall>();

  constructor(options: LiveCallsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#up.size;
  }

  /** Ends the calls that were up when the process before this one died. */
  endInterrupted(): void {
    const { clock, records } = this.#options;
    for (const { call, terms } of records.listUp()) {
      // Nobody knows when the line went dead; it cannot have been later than the account had allowed.
      const latest = call.answeredAt === null ? clock.now() : call.answeredAt + terms.maxCallSeconds * 1_000;
      this.#finish(endedCall(call, 'failed', Math.min(clock.now(), latest)), terms);
    }
  }

  ring(call: DialledCall, bridge: Bridge, statusUrl: string | null): CallRecord {
    const { clock, records, phones } = this.#options;
    const terms: CallTerms = { maxCallSeconds: bridge.maxCallSeconds, statusUrl };
    const live: LiveCall = {
      call: ringingCall(call, { to: bridge.to, callerId: bridge.callerId }),
      terms,
      timer: clock.after(bridge.ringTimeoutSeconds * 1_000, () => this.#end(live, 'no_answer')),
    };
    this.#up.set(call.callId, live);
    records.insert(live.call, terms);
    this.#report(live.call, statusUrl, { event: 'ringing', at: clock.now(), sequence: 1 });
    phones.noticeCall(live.call);
    return live.call;
  }

  find(callId: string): CallRecord {
    const call = this.#up.get(callId)?.call ?? this.#options.records.find(callId);
    if (!call) throw new OperatorError('CALL_NOT_FOUND', 'There is no call by this id.');
    return call;
  }

  answer(callId: string): CallRecord {
    const { clock, records, phones } = this.#options;
    const live = this.#up.get(callId);
    if (!live) {
      this.find(callId);
      throw new OperatorError('CALL_NOT_RINGING', 'The call does not ring any more.');
    }
    if (live.call.state === 'answered') return live.call;
    live.timer.cancel();
    live.call = answeredCall(live.call, clock.now());
    live.timer = clock.after(live.terms.maxCallSeconds * 1_000, () => this.#end(live, 'time_limit'));
    records.update(live.call);
    this.#report(live.call, live.terms.statusUrl, { event: 'answered', at: clock.now(), sequence: 2 });
    phones.noticeCall(live.call);
    return live.call;
  }

  hangUp(callId: string, by: 'caller' | 'callee'): CallRecord {
    const live = this.#up.get(callId);
    if (!live) return this.find(callId);
    if (live.call.state === 'answered') return this.#end(live, 'completed');
    return this.#end(live, by === 'caller' ? 'cancelled' : 'busy');
  }

  endAll(): void {
    for (const live of [...this.#up.values()]) this.#end(live, 'failed');
  }

  /** Records a call that never rang. The account hears of a failure; a refusal was its own decision. */
  conclude(call: CallRecord, statusUrl: string | null): CallRecord {
    this.#options.records.insert(call, { maxCallSeconds: 0, statusUrl });
    if (call.state === 'failed') this.#reportEnd(call, statusUrl, 1);
    this.#options.phones.noticeCall(call);
    return call;
  }

  #end(live: LiveCall, termination: Termination): CallRecord {
    live.timer.cancel();
    live.call = endedCall(live.call, termination, this.#options.clock.now());
    this.#up.delete(live.call.callId);
    this.#finish(live.call, live.terms);
    return live.call;
  }

  #finish(call: CallRecord, terms: CallTerms): void {
    this.#options.records.update(call);
    this.#reportEnd(call, terms.statusUrl, call.answeredAt === null ? 2 : 3);
    this.#options.phones.noticeCall(call);
  }

  #reportEnd(call: CallRecord, statusUrl: string | null, sequence: number): void {
    const { endedAt, termination, durationSeconds } = call;
    if (endedAt === null || termination === null || durationSeconds === null) return;
    this.#report(call, statusUrl, { event: 'ended', at: endedAt, termination, durationSeconds, sequence });
  }

  #report(
    call: CallRecord,
    statusUrl: string | null,
    report: Omit<StatusReport, 'callId' | 'at'> & { readonly at: number },
  ): void {
    if (statusUrl === null) return;
    const at = new Date(report.at).toISOString();
    this.#options.callbacks.enqueue(statusUrl, { ...report, callId: call.callId, at });
  }
}
