import type { Instant } from '../../lib/clock.ts';
import type { CallReport, ReportedCall } from '../call-storage.ts';
import { CALL_COLUMNS, type CallColumns, toCallRecord } from './call-columns.ts';
import { type SqlConnection, statement } from './connection.ts';
import { at, atOrNull } from './parameters.ts';

// By the first call from this key on, for the reason that `alreadyDecided` gives.
const callReported = statement(
  'call_reported',
  `select ${CALL_COLUMNS}, c.reference, c.max_call_seconds, c.called_participant,
          coalesce((select s.state = 'closed' from session s where s.tenant = $1 and s.id = c.session_id), false)
            as session_closed
     from (select * from call k
            where k.tenant = $1 and (k.provider_account, k.provider_call_id) >= ($2, $3)
            order by k.provider_account, k.provider_call_id limit 1) c
    where c.provider_account = $2 and c.provider_call_id = $3`,
);
// What the report was judged by must still be so when it is written ($10 to $16). Everything else hangs on that row.
const callReport = statement(
  'call_report',
  `with progressed as (
     update call set state = $3, ringing_at = $4, answered_at = $5, ended_at = $6, duration_seconds = $7,
            termination = $8, native_cause = $9
      where tenant = $1 and id = $2 and state = $10 and ringing_at is not distinct from $11::timestamptz
        and answered_at is not distinct from $12::timestamptz and ended_at is not distinct from $13::timestamptz
        and duration_seconds is not distinct from $14::int and termination is not distinct from $15::text
        and not exists (select 1 from session s where s.tenant = $1 and s.id = $16 and s.state = 'closed')
     returning session_id, calling_participant, provider_account || '|' || provider_call_id as running,
               max_call_seconds),
   noted as (
     insert into call_event (tenant, call_id, status, occurred_at, received_at, native_cause)
     select $1, $2, $17::text, $18::timestamptz, $19::timestamptz, $20::text from progressed
     on conflict do nothing),
   announced as (
     insert into outbox (tenant, event_id, type, key, data, occurred_at)
     select $1, $21::text, $22::text, $23::text, $24::jsonb, $25::timestamptz
       from progressed where $21::text is not null),
   counted as (
     update session_usage u
        set talked_seconds = greatest(0, u.talked_seconds + coalesce($7::int, 0) - coalesce($14::int, 0)),
            running = case
              when $6::timestamptz is not null then u.running - p.running
              when $5::timestamptz is not null and u.running ? p.running then u.running || jsonb_build_object(
                p.running, ((extract(epoch from $5::timestamptz) + p.max_call_seconds) * 1000)::bigint)
              else u.running end
       from progressed p
      where u.tenant = $1 and u.session_id = p.session_id and u.participant_id = p.calling_participant
        and ($5::timestamptz is not null or $6::timestamptz is not null))
   select 1 from progressed`,
);

type Row = CallColumns & {
  readonly reference: string | null;
  readonly max_call_seconds: number | null;
  readonly called_participant: string | null;
  readonly session_closed: boolean;
};

/** The call that somebody reports on, or null. */
export async function findReported(
  connection: SqlConnection,
  tenant: string,
  providerAccount: string,
  providerCallId: string,
): Promise<ReportedCall | null> {
  const [row] = await connection.query<Row>(callReported, [tenant, providerAccount, providerCallId]);
  if (!row) return null;
  return {
    ...toCallRecord(row),
    reference: row.reference,
    maxCallSeconds: row.max_call_seconds,
    calledParticipantId: row.called_participant,
    sessionClosed: row.session_closed,
  };
}

/** Writes a report in one statement, or nothing when the call is not what it was judged by any more. */
export async function writeReport(
  connection: SqlConnection,
  tenant: string,
  { call, progress, legStatus, receivedAt, announced }: CallReport,
): Promise<boolean> {
  const cause = legStatus.status === 'ended' ? legStatus.nativeCause : null;
  const occurredAt: Instant = announced?.occurredAt ?? receivedAt;
  const rows = await connection.query(callReport, [
    tenant,
    call.id,
    progress.state,
    atOrNull(progress.ringingAt),
    atOrNull(progress.answeredAt),
    atOrNull(progress.endedAt),
    progress.durationSeconds,
    progress.termination,
    progress.nativeCause,
    call.state,
    atOrNull(call.ringingAt),
    atOrNull(call.answeredAt),
    atOrNull(call.endedAt),
    call.durationSeconds,
    call.termination,
    call.sessionId,
    legStatus.status,
    at(legStatus.at),
    at(receivedAt),
    cause,
    announced?.eventId ?? null,
    announced?.event.type ?? null,
    announced?.event.key ?? null,
    announced ? JSON.stringify(announced.event.data) : null,
    at(occurredAt),
  ]);
  return rows.length > 0;
}
