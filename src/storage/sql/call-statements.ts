import type { DecisionReason } from '../../domain/route.ts';
import type { Instant } from '../../lib/clock.ts';
import type { CallStorage, LockedCall } from '../call-storage.ts';
import { alreadyDecided } from './already-decided.ts';
import { CALL_COLUMNS, CALL_ENDS_BY, type CallColumns, LAST_CALL_END, toCallRecord } from './call-columns.ts';
import { findReported, writeReport } from './call-report.ts';
import { type SqlConnection, type Statement, statement } from './connection.ts';
import { countCall } from './count-call.ts';
import { at, atOrNull } from './parameters.ts';

// The count, the decision and its announcement are one statement: a call decided twice inserts none of them.
const counted = countCall({
  session: '$5',
  participant: '$24',
  running: `$3::text || '|' || $4::text`,
  startedAt: '$17',
  hourAgo: '$31',
  heldUntil: '$30',
  concurrentMax: '$32',
  hourlyMax: '$28',
  talkMax: '$29',
  where: `$27::boolean and not ${alreadyDecided('$3::text', '$4::text')}`,
});
const callInsert = statement(
  'call_insert',
  `with counted as (
     ${counted}),
   outcome as (
     select coalesce((select allowed from counted), true) as allowed,
            (select seconds_left from counted) as seconds_left),
   decided as (
     insert into call (tenant, id, provider_account, provider_call_id, session_id, reference, calling_role, called_role,
         virtual_number, caller_key, caller_id, decision, reason, ring_timeout_seconds, max_call_seconds, state,
         started_at, ended_at, attestation, calling_participant, called_participant, route_key)
     select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10::bytea, case when o.allowed then $11::text end,
         case when o.allowed then $12 else 'announce' end, case when o.allowed then $13 else 'rate_limited' end,
         case when o.allowed then $14::int end, case when o.allowed then least($15::int, o.seconds_left) end,
         case when o.allowed then $16 else 'refused' end, $17::timestamptz,
         case when o.allowed then $18::timestamptz else $17::timestamptz end, $23::text, $24::text, $25::text, $26::bytea
       from outcome o
     on conflict (tenant, provider_account, provider_call_id) do nothing
     returning id, reason, max_call_seconds),
   announced as (
     insert into outbox (tenant, event_id, type, key, data, occurred_at)
     select $1, $19::text, case when d.reason = $13 then $20::text else 'call.refused' end, $21::text,
            case when d.reason = $13 then $22::jsonb
                 else $22::jsonb || jsonb_build_object('reason', d.reason) end, $17::timestamptz
       from decided d where $19::text is not null)
   select reason, max_call_seconds from decided`,
);
const callDecided = statement(
  'call_decided',
  `select ${CALL_COLUMNS}, c.caller_key, c.route_key, c.pin_last, c.ring_timeout_seconds, c.max_call_seconds, r.sealed_destination,
          r.recording_consent, k.key as participant_key
     from call c
     left join route r on r.tenant = c.tenant and r.virtual_number = c.virtual_number
       and r.caller_key = coalesce(c.route_key, c.caller_key) and r.session_id = c.session_id and r.live_until > $4
       and r.blocked_by is null
     left join participant_key k on k.tenant = r.tenant and k.session_id = r.session_id
       and k.participant_id = r.called_participant
    where c.tenant = $1 and c.provider_account = $2 and c.provider_call_id = $3`,
);
const callTellAgain = statement(
  'call_tell_again',
  `update call set told = told + 1 where tenant = $1 and id = $2 and state <> 'refused' returning 1`,
);
const callUntell = statement(
  'call_untell',
  'update call set told = told - 1 where tenant = $1 and id = $2 returning told',
);
const callRefuse = statement(
  'call_refuse',
  `with refused as (
     update call set decision = 'announce', reason = $4, state = 'refused', ended_at = $5
      where tenant = $1 and provider_account = $2 and provider_call_id = $3 and state = 'decided'
     returning session_id, calling_participant)
   update session_usage u set running = u.running - ($2::text || '|' || $3::text) from refused r
    where u.tenant = $1 and u.session_id = r.session_id and u.participant_id = r.calling_participant`,
);
const callGet = statement('call_get', `select ${CALL_COLUMNS} from call c where c.tenant = $1 and c.id = $2`);
const callList = statement(
  'call_list',
  `select ${CALL_COLUMNS} from call c
    where c.tenant = $1 and ($2::text is null or c.session_id = $2) and ($3::text is null or c.reference = $3)
      and ($4::text is null or c.id < $4)
    order by c.id desc limit $5`,
);
const callLock = statement(
  'call_lock',
  `select ${CALL_COLUMNS}, c.reference, c.max_call_seconds, c.called_participant from call c
    where c.tenant = $1 and c.provider_account = $2 and c.provider_call_id = $3 for update`,
);
const callLockById = statement(
  'call_lock_by_id',
  `select ${CALL_COLUMNS}, c.reference, c.max_call_seconds, c.called_participant from call c where c.tenant = $1 and c.id = $2 for update`,
);
const callSetChecked = statement(
  'call_set_checked',
  'update call set checked_at = $3 where tenant = $1 and id = any($2)',
);
// The caller's session row learns of it: an answered call counts until its longest end, an ended one no more.
const callSetProgress = statement(
  'call_set_progress',
  `with before as (
     select c.session_id, c.calling_participant, c.provider_account || '|' || c.provider_call_id as running,
            coalesce(c.duration_seconds, 0) as talked, c.max_call_seconds
       from call c where c.tenant = $1 and c.id = $2),
   progressed as (
     update call set state = $3, ringing_at = $4, answered_at = $5, ended_at = $6, duration_seconds = $7,
            termination = $8, native_cause = $9
      where tenant = $1 and id = $2)
   update session_usage u
      set talked_seconds = greatest(0, u.talked_seconds + coalesce($7::int, 0) - b.talked),
          running = case
            when $6::timestamptz is not null then u.running - b.running
            when $5::timestamptz is not null and u.running ? b.running then u.running || jsonb_build_object(
              b.running, ((extract(epoch from $5::timestamptz) + b.max_call_seconds) * 1000)::bigint)
            else u.running end
     from before b
    where u.tenant = $1 and u.session_id = b.session_id and u.participant_id = b.calling_participant
      and ($5::timestamptz is not null or $6::timestamptz is not null)`,
);
const callAddEvent = statement(
  'call_add_event',
  `insert into call_event (tenant, call_id, status, occurred_at, received_at, native_cause)
   values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
);
const callLastEndOf = statement(
  'call_last_end_of',
  `select ${LAST_CALL_END} as last_end
     from call where tenant = $1 and session_id = $2 and state <> 'refused'`,
);

const callEndsBy = statement(
  'call_ends_by',
  `select ${CALL_ENDS_BY} as ends_by
     from call where tenant = $1 and id = $2`,
);

const HOUR_MS = 3_600_000;

interface RecordedRow {
  readonly reason: DecisionReason;
  readonly max_call_seconds: number | null;
}

export function callStatements(connection: SqlConnection, tenant: string): CallStorage {
  const locked = async (query: Statement, values: unknown[]): Promise<LockedCall | null> => {
    type Row = CallColumns & {
      reference: string | null;
      max_call_seconds: number | null;
      called_participant: string | null;
    };
    const [row] = await connection.query<Row>(query, [tenant, ...values]);
    return row
      ? {
          ...toCallRecord(row),
          reference: row.reference,
          maxCallSeconds: row.max_call_seconds,
          calledParticipantId: row.called_participant,
        }
      : null;
  };
  return {
    async insert(call, announced, limits) {
      const bridged = call.decision === 'bridge';
      const [row] = await connection.query<RecordedRow>(callInsert, [
        tenant,
        call.id,
        call.providerAccount,
        call.providerCallId,
        call.sessionId,
        call.reference,
        call.callingRole,
        call.calledRole,
        call.virtualNumber,
        call.callerKey,
        call.callerId,
        call.decision,
        call.reason,
        call.ringTimeoutSeconds,
        call.maxCallSeconds,
        bridged ? 'decided' : 'refused',
        at(call.startedAt),
        bridged ? null : at(call.startedAt),
        announced?.eventId ?? null,
        announced?.event.type ?? null,
        announced?.event.key ?? null,
        announced ? JSON.stringify(announced.event.data) : null,
        call.attestation,
        call.callingParticipantId,
        call.calledParticipantId,
        call.routeKey,
        limits !== null,
        limits?.hourlyAttemptsMax ?? 1,
        limits?.totalTalkSecondsMax ?? 0,
        limits?.heldUntil ?? 0,
        at(call.startedAt - HOUR_MS),
        limits?.concurrentCallsMax ?? 1,
      ]);
      return row ? { reason: row.reason, maxCallSeconds: row.max_call_seconds } : null;
    },
    async decided(providerAccount, providerCallId, now) {
      type Row = CallColumns & {
        caller_key: Uint8Array | null;
        route_key: Uint8Array | null;
        pin_last: Uint8Array | null;
        sealed_destination: Uint8Array | null;
        participant_key: Uint8Array | null;
        ring_timeout_seconds: number | null;
        max_call_seconds: number | null;
        recording_consent: string | null;
      };
      const [row] = await connection.query<Row>(callDecided, [
        tenant,
        providerAccount,
        providerCallId,
        at(now),
      ]);
      if (!row) return null;
      return {
        ...toCallRecord(row),
        callerKey: row.caller_key,
        routeKey: row.route_key,
        pinLast: row.pin_last,
        sealedDestination: row.sealed_destination,
        participantKey: row.participant_key,
        ringTimeoutSeconds: row.ring_timeout_seconds,
        maxCallSeconds: row.max_call_seconds,
        recordingConsent: row.recording_consent,
      };
    },
    async tellAgain(id) {
      return (await connection.query(callTellAgain, [tenant, id])).length > 0;
    },
    async untell(id) {
      const [row] = await connection.query<{ told: number }>(callUntell, [tenant, id]);
      return row?.told ?? 0;
    },
    async refuse(providerAccount, providerCallId, reason, refusedAt) {
      await connection.query(callRefuse, [tenant, providerAccount, providerCallId, reason, at(refusedAt)]);
    },
    async get(id) {
      const [row] = await connection.query<CallColumns>(callGet, [tenant, id]);
      return row ? toCallRecord(row) : null;
    },
    async list(filter, page) {
      const values = [tenant, filter.sessionId, filter.reference, page.after, page.limit];
      return (await connection.query<CallColumns>(callList, values)).map(toCallRecord);
    },
    lock: (providerAccount, providerCallId) => locked(callLock, [providerAccount, providerCallId]),
    lockById: (id) => locked(callLockById, [id]),
    reported: (providerAccount, providerCallId) =>
      findReported(connection, tenant, providerAccount, providerCallId),
    report: (report) => writeReport(connection, tenant, report),
    async setChecked(ids, checkedAt) {
      await connection.query(callSetChecked, [tenant, ids, at(checkedAt)]);
    },
    async setProgress(id, p) {
      await connection.query(callSetProgress, [
        tenant,
        id,
        p.state,
        atOrNull(p.ringingAt),
        atOrNull(p.answeredAt),
        atOrNull(p.endedAt),
        p.durationSeconds,
        p.termination,
        p.nativeCause,
      ]);
    },
    async addEvent(id, legStatus, receivedAt) {
      const cause = legStatus.status === 'ended' ? legStatus.nativeCause : null;
      const values = [tenant, id, legStatus.status, at(legStatus.at), at(receivedAt), cause];
      await connection.query(callAddEvent, values);
    },
    async endsBy(id) {
      const [row] = await connection.query<{ ends_by: Instant | null }>(callEndsBy, [tenant, id]);
      return row?.ends_by ?? null;
    },
    async lastEndOf(sessionId) {
      const [row] = await connection.query<{ last_end: Instant | null }>(callLastEndOf, [tenant, sessionId]);
      return row?.last_end ?? null;
    },
  };
}
