import type { DecisionReason } from '../../domain/route.ts';
import { Lots } from '../lots.ts';
import type { CallLimits, NewCall, RecordedCall } from '../call-storage.ts';
import type { OutboxEvent } from '../outbox-storage.ts';
import { alreadyDecided } from './already-decided.ts';
import { callStatements } from './call-statements.ts';
import { type Database, type SqlConnection, statement, tenantScope } from './connection.ts';
import { at } from './parameters.ts';

/** Calls in one statement. */
const SIZE_MAXIMUM = 64;
/** One that waits for a lock, or for the disk, does not hold all the others up. */
const CONCURRENCY = 4;
const WAITING_MAXIMUM = 10_000;

interface Question {
  readonly call: NewCall;
  readonly announced: OutboxEvent | null;
  readonly limits: CallLimits | null;
}

// `call_insert` for many calls, with the same rules. Rows of callers are locked, and calls inserted, by their keys, so
// that two lots cannot wait for each other in a circle. What is counted against is the same for all of a lot, because
// an upsert sees nothing of a row but what it would insert: the time of the call and its name among those under way.
const callInsertLot = statement(
  'call_insert_lot',
  `with asked as (
     select q.*, q.provider_account || '|' || q.provider_call_id as running
       from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                   $10::bytea[], $11::text[], $12::text[], $13::text[], $14::int[], $15::int[], $16::timestamptz[],
                   $17::text[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[], $23::text[],
                   $24::bytea[], $25::bigint[])
         as q (id, provider_account, provider_call_id, session_id, reference, calling_role, called_role,
               virtual_number, caller_key, caller_id, decision, reason, ring_timeout_seconds, max_call_seconds,
               started_at, event_id, event_type, event_key, event_data, attestation, calling_participant,
               called_participant, route_key, held_until)),
   counted as (
     insert into session_usage as u (tenant, session_id, participant_id, attempted_at, running)
     select $1, a.session_id, a.calling_participant, array[a.started_at], jsonb_build_object(a.running, a.held_until)
       from asked a
      where $26::boolean and not ${alreadyDecided('a.provider_account', 'a.provider_call_id')}
      order by a.session_id, a.calling_participant
     on conflict (tenant, session_id, participant_id) do update set
       attempted_at = case when u.running ?| array(select jsonb_object_keys(excluded.running)) then u.attempted_at
         else (u.attempted_at || excluded.attempted_at)[greatest(1, cardinality(u.attempted_at) + 2 - $27::int):] end,
       running = (select coalesce(jsonb_object_agg(r.key, r.value), '{}') from jsonb_each(u.running) r
                   where r.value::bigint > (extract(epoch from excluded.attempted_at[1]) * 1000)::bigint)
         || case when (cardinality(u.attempted_at) < $27::int
                         or u.attempted_at[cardinality(u.attempted_at) + 1 - $27::int]
                              <= excluded.attempted_at[1] - interval '1 hour')
                  and u.talked_seconds + 10 <= $28::int
                  and (select count(*) from jsonb_each(u.running) r
                        where r.value::bigint > (extract(epoch from excluded.attempted_at[1]) * 1000)::bigint) < $29::int
                 then excluded.running else '{}' end
     returning session_id, participant_id, running, greatest(0, $28::int - talked_seconds) as seconds_left),
   outcome as (
     select a.*, coalesce(c.running ? a.running, true) as allowed, c.seconds_left
       from asked a
       left join counted c on c.session_id = a.session_id and c.participant_id = a.calling_participant),
   decided as (
     insert into call (tenant, id, provider_account, provider_call_id, session_id, reference, calling_role, called_role,
         virtual_number, caller_key, caller_id, decision, reason, ring_timeout_seconds, max_call_seconds, state,
         started_at, ended_at, attestation, calling_participant, called_participant, route_key)
     select $1, o.id, o.provider_account, o.provider_call_id, o.session_id, o.reference, o.calling_role, o.called_role,
         o.virtual_number, o.caller_key, case when o.allowed then o.caller_id end,
         case when o.allowed then o.decision else 'announce' end,
         case when o.allowed then o.reason else 'rate_limited' end,
         case when o.allowed then o.ring_timeout_seconds end,
         case when o.allowed then least(o.max_call_seconds, o.seconds_left) end,
         case when o.allowed and o.decision = 'bridge' then 'decided' else 'refused' end, o.started_at,
         case when o.allowed and o.decision = 'bridge' then null else o.started_at end, o.attestation,
         o.calling_participant, o.called_participant, o.route_key
       from outcome o
      order by o.provider_account, o.provider_call_id
     on conflict (tenant, provider_account, provider_call_id) do nothing
     returning id, reason, max_call_seconds),
   announced as (
     insert into outbox (tenant, event_id, type, key, data, occurred_at)
     select $1, a.event_id, case when d.reason = a.reason then a.event_type else 'call.refused' end, a.event_key,
            case when d.reason = a.reason then a.event_data::jsonb
                 else a.event_data::jsonb || jsonb_build_object('reason', d.reason) end, a.started_at
       from decided d join asked a on a.id = d.id where a.event_id is not null
      order by a.event_id)
   select id, reason, max_call_seconds from decided`,
);

interface RecordedRow {
  readonly id: string;
  readonly reason: DecisionReason;
  readonly max_call_seconds: number | null;
}

/** Records of calls that are decided at one moment, in one statement with what they announce. */
export function callLots(database: Database): Lots<Question, RecordedCall | null> {
  return new Lots({
    together: (tenant, questions) =>
      database.run(tenantScope(tenant), (connection) => insertLot(connection, tenant, questions)),
    alone: (tenant, { call, announced, limits }) =>
      database.run(tenantScope(tenant), (connection) =>
        callStatements(connection, tenant).insert(call, announced, limits),
      ),
    names: namesOf,
    kind: ({ limits }) =>
      limits
        ? `${limits.concurrentCallsMax} ${limits.hourlyAttemptsMax} ${limits.totalTalkSecondsMax}`
        : 'not counted',
    sizeMaximum: SIZE_MAXIMUM,
    concurrency: CONCURRENCY,
    waitingMaximum: WAITING_MAXIMUM,
  });
}

/** An upsert may not touch a row twice, and of two decisions on one call the second must see the first. */
function namesOf({ call, limits }: Question): readonly string[] {
  const asked = `call ${call.providerAccount}|${call.providerCallId}`;
  return limits ? [asked, `caller ${call.sessionId}|${call.callingParticipantId}`] : [asked];
}

async function insertLot(
  connection: SqlConnection,
  tenant: string,
  questions: readonly Question[],
): Promise<readonly (RecordedCall | null)[]> {
  const limits = questions[0]?.limits ?? null;
  const column = <K extends keyof NewCall>(key: K): NewCall[K][] => questions.map(({ call }) => call[key]);
  const event = (pick: (event: OutboxEvent) => string): (string | null)[] =>
    questions.map(({ announced }) => announced && pick(announced));
  const rows = await connection.query<RecordedRow>(callInsertLot, [
    tenant,
    column('id'),
    column('providerAccount'),
    column('providerCallId'),
    column('sessionId'),
    column('reference'),
    column('callingRole'),
    column('calledRole'),
    column('virtualNumber'),
    column('callerKey'),
    column('callerId'),
    column('decision'),
    column('reason'),
    column('ringTimeoutSeconds'),
    column('maxCallSeconds'),
    questions.map(({ call }) => at(call.startedAt)),
    event(({ eventId }) => eventId),
    event((announced) => announced.event.type),
    event((announced) => announced.event.key),
    event((announced) => JSON.stringify(announced.event.data)),
    column('attestation'),
    column('callingParticipantId'),
    column('calledParticipantId'),
    column('routeKey'),
    questions.map((question) => question.limits?.heldUntil ?? 0),
    limits !== null,
    limits?.hourlyAttemptsMax ?? 1,
    limits?.totalTalkSecondsMax ?? 0,
    limits?.concurrentCallsMax ?? 1,
  ]);
  const recorded = new Map(rows.map((row) => [row.id, row]));
  return questions.map(({ call }) => {
    const row = recorded.get(call.id);
    return row ? { reason: row.reason, maxCallSeconds: row.max_call_seconds } : null;
  });
}
