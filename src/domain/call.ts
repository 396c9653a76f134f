import type { DecisionReason, Verification } from './route.ts';
import type { VirtualNumber } from './virtual-number.ts';

/** Where a call stands. `refused` and `ended` are final. See docs/state-machines.md. */
export type CallState = 'decided' | 'ringing' | 'answered' | 'ended' | 'refused';

/** How a connected call came to its end, whatever the provider calls it. */
export const Termination = {
  /** both spoke, and one hung up */
  Completed: 'completed',
  Busy: 'busy',
  NoAnswer: 'no_answer',
  /** the caller gave up before an answer */
  Cancelled: 'cancelled',
  /** the network or the provider failed */
  Failed: 'failed',
  /** the provider cut it at `maxCallSeconds` */
  TimeLimit: 'time_limit',
  /** its end was never reported; closed by us, and the duration is an estimate */
  Unreported: 'unreported',
} as const;
export type Termination = (typeof Termination)[keyof typeof Termination];

/** What a status callback says, in our words. It may come twice, late, out of order or never. */
export type LegStatus =
  | { readonly status: 'ringing'; readonly at: number }
  | { readonly status: 'answered'; readonly at: number }
  | {
      readonly status: 'ended';
      readonly at: number;
      readonly termination: Termination;
      /** seconds of talk as the provider counted them, if it said */
      readonly durationSeconds: number | null;
      /** the provider's own word or code, kept beside ours */
      readonly nativeCause: string | null;
    };

export interface CallProgress {
  readonly state: CallState;
  readonly startedAt: number;
  readonly ringingAt: number | null;
  readonly answeredAt: number | null;
  readonly endedAt: number | null;
  readonly durationSeconds: number | null;
  readonly termination: Termination | null;
  readonly nativeCause: string | null;
}

/** A masked conversation attempt, as the API shows it. No real number is in it. */
export interface CallRecord extends CallProgress {
  readonly id: string;
  readonly sessionId: string | null;
  readonly providerAccount: string;
  readonly providerCallId: string;
  readonly callingRole: string | null;
  readonly calledRole: string | null;
  readonly virtualNumber: string;
  readonly callerId: VirtualNumber | null;
  readonly decision: 'bridge' | 'announce' | 'collect_pin' | 'reject';
  readonly reason: DecisionReason;
  /** what the network said of the caller, whatever the pool makes of it */
  readonly attestation: Verification;
}

/**
 * Applies one status to a call, whatever the order of arrival: facts are added, never taken back, and the
 * state only moves forward. Returns null when the status says nothing new, so that nothing is announced twice.
 */
export function applyLegStatus(call: CallProgress, status: LegStatus): CallProgress | null {
  if (call.state === 'refused') return null;
  switch (status.status) {
    case 'ringing':
      if (call.ringingAt !== null) return null;
      return { ...call, ringingAt: status.at, state: call.state === 'decided' ? 'ringing' : call.state };
    case 'answered': {
      if (call.answeredAt !== null) return null;
      if (call.state !== 'ended') return { ...call, answeredAt: status.at, state: 'answered' };
      // The end came first. Only an end that was talk can have had an answer before it.
      if (call.termination !== Termination.Completed && call.termination !== Termination.TimeLimit)
        return null;
      return { ...call, answeredAt: status.at };
    }
    case 'ended': {
      // A provider's own report replaces our estimate; of two reports the first counts.
      if (call.state === 'ended' && call.termination !== Termination.Unreported) return null;
      const talked =
        call.answeredAt === null ? null : Math.max(0, Math.round((status.at - call.answeredAt) / 1000));
      return {
        ...call,
        state: 'ended',
        endedAt: status.at,
        durationSeconds: status.durationSeconds ?? talked ?? 0,
        termination: status.termination,
        nativeCause: status.nativeCause,
      };
    }
  }
}
