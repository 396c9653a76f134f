import type { CallRecord, CallState, Termination } from '../../domain/call.ts';
import type { DecisionReason, Verification } from '../../domain/route.ts';
import type { VirtualNumber } from '../../domain/virtual-number.ts';
import type { Instant } from '../../lib/clock.ts';

/** Columns of a call as the API shows it; used by the families that read calls. */
export const CALL_COLUMNS = `c.id, c.session_id, c.provider_account, c.provider_call_id, c.calling_role, c.called_role,
  c.virtual_number, c.caller_id, c.decision, c.reason, c.state, c.started_at, c.ringing_at, c.answered_at, c.ended_at,
  c.duration_seconds, c.termination, c.native_cause, c.attestation`;

/** When a call is over at the latest, whoever reports: it has then rung and talked for as long as it may. */
export const CALL_ENDS_BY = `coalesce(answered_at, started_at + make_interval(secs => ring_timeout_seconds))
          + make_interval(secs => max_call_seconds)`;

/** When the last of several calls ended, or will have. */
export const LAST_CALL_END = `max(case when state = 'ended' then ended_at else ${CALL_ENDS_BY} end)`;

export interface CallColumns {
  readonly id: string;
  readonly session_id: string | null;
  readonly provider_account: string;
  readonly provider_call_id: string;
  readonly calling_role: string | null;
  readonly called_role: string | null;
  readonly virtual_number: string;
  readonly caller_id: VirtualNumber | null;
  readonly decision: CallRecord['decision'];
  readonly reason: DecisionReason;
  readonly state: CallState;
  readonly started_at: Instant;
  readonly ringing_at: Instant | null;
  readonly answered_at: Instant | null;
  readonly ended_at: Instant | null;
  readonly duration_seconds: number | null;
  readonly termination: Termination | null;
  readonly native_cause: string | null;
  readonly attestation: Verification;
}

export function toCallRecord(row: CallColumns): CallRecord {
  return {
    id: row.id,
    sessionId: row.session_id,
    providerAccount: row.provider_account,
    providerCallId: row.provider_call_id,
    callingRole: row.calling_role,
    calledRole: row.called_role,
    virtualNumber: row.virtual_number,
    callerId: row.caller_id,
    decision: row.decision,
    reason: row.reason,
    state: row.state,
    startedAt: row.started_at,
    ringingAt: row.ringing_at,
    answeredAt: row.answered_at,
    endedAt: row.ended_at,
    durationSeconds: row.duration_seconds,
    termination: row.termination,
    nativeCause: row.native_cause,
    attestation: row.attestation,
  };
}
