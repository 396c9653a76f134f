import type { StepUp } from '../../domain/pool.ts';
import type { DecisionReason } from '../../domain/route.ts';
import type { PinCall, PinCandidate, SessionWay, StepUpStorage } from '../step-up-storage.ts';
import { type SqlConnection, statement } from './connection.ts';
import { countCall } from './count-call.ts';
import { at } from './parameters.ts';

const HOUR_MS = 3_600_000;

// By the pool of the number, whether anybody may be reached by it or not. A number that is none of ours is answered
// like one of those that ask for a PIN, if there are any.
const stepUpOffer = statement(
  'step_up_offer',
  `select coalesce(own.step_up, any_pool.step_up, 'none') as step_up, coalesce(own.shared, any_pool.shared, false) as shared
     from (select 1) one
     left join (select p.step_up, p.mode = 'shared' as shared
                  from virtual_number v join pool p on p.tenant = v.tenant and p.name = v.pool
                 where v.tenant = $1 and v.virtual_number = $2 and ($3::text is null or v.provider_account = $3)
                   and v.state <> 'decommissioned' and v.withdrawn_at is null) own on true
     left join (select step_up, mode = 'shared' as shared from pool where tenant = $1 and step_up = 'pin'
                 order by mode, name limit 1) any_pool on true`,
);
const wayBetween = statement(
  'step_up_way_between',
  `select virtual_number as "virtualNumber", caller_key as "routeKey", step_up as "stepUp", live_until as "liveUntil"
     from route where tenant = $1 and session_id = $2 and calling_participant = $3 and called_participant = $4
    order by live_until desc, index_key_id desc nulls last limit 1`,
);
const callIntentInsert = statement(
  'call_intent_insert',
  `with replaced as (
     update call_intent set used_at = $8
      where tenant = $1 and session_id = $3 and participant_id = $4 and virtual_number = $5 and used_at is null)
   insert into call_intent (tenant, id, session_id, participant_id, virtual_number, route_key, caller_key, created_at,
       expires_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
);
// Locked before they are counted: of two calls that come at one moment, the second waits and finds it used.
const callIntentUse = statement(
  'call_intent_use',
  `with candidate as materialized (
     select id, caller_key is not null as named from call_intent
      where tenant = $1 and virtual_number = $2 and used_at is null and expires_at > $5
        and (caller_key is null or caller_key = $3) and ($4::bytea is null or route_key = $4)
      order by id for update),
   meant as (select id from candidate where named = (select bool_or(named) from candidate))
   update call_intent set used_at = $5
    where tenant = $1 and id in (select id from meant) and (select count(*) from meant) = 1
   returning route_key`,
);
const participantPinSet = statement(
  'participant_pin_set',
  `insert into participant_pin (tenant, session_id, participant_id, pin_hash, digits, created_at)
   values ($1, $2, $3, $4, $5, $6)
   on conflict (tenant, session_id, participant_id) do update
     set pin_hash = excluded.pin_hash, digits = excluded.digits, created_at = excluded.created_at`,
);
const pinCallLock = statement(
  'pin_call_lock',
  `select id, state, decision, reason, pin_tries as "pinTries", pin_last as "pinLast" from call
    where tenant = $1 and provider_account = $2 and provider_call_id = $3 for update`,
);
const pinCandidates = statement(
  'pin_candidates',
  `select r.caller_key as "routeKey", r.session_id as "sessionId", r.calling_participant as "participantId",
          p.pin_hash as "pinHash"
     from route r
     left join participant_pin p on p.tenant = r.tenant and p.session_id = r.session_id
       and p.participant_id = r.calling_participant
    where r.tenant = $1 and r.virtual_number = $2 and ($3::bytea is null or r.caller_key = $3)
      and r.live_until > $4 and r.resting_until is null and r.blocked_by is null and r.step_up = 'pin'
    order by r.caller_key limit $5`,
);
const pinLockCount = statement(
  'pin_lock_count',
  `insert into pin_lock as l (tenant, virtual_number, session_id, since, tries) values ($1, $2, $3, $4, 1)
   on conflict (tenant, virtual_number, session_id) do update
     set tries = case when l.since <= $5 then 1 else l.tries + 1 end,
         since = case when l.since <= $5 then excluded.since else l.since end
   returning tries`,
);
const pinLockForget = statement(
  'pin_lock_forget',
  `update pin_lock set tries = greatest(0, tries - 1) where tenant = $1 and virtual_number = $2 and session_id = $3`,
);
const callNoteWrongPin = statement(
  'call_note_wrong_pin',
  'update call set pin_tries = pin_tries + 1, pin_last = $3 where tenant = $1 and id = $2',
);
const callPromote = statement(
  'call_promote',
  `with counted as (
     ${countCall({
       session: '$5',
       participant: '$6',
       running: `$3::text || '|' || $4::text`,
       startedAt: '$7',
       hourAgo: '$8',
       heldUntil: '$9',
       concurrentMax: '$10',
       hourlyMax: '$11',
       talkMax: '$12',
       where: 'true',
     })})
   update call c
      set decision = case when o.allowed then 'bridge' else 'announce' end,
          reason = case when o.allowed then 'ok' else 'rate_limited' end,
          state = case when o.allowed then 'decided' else 'refused' end,
          session_id = $5, calling_participant = $6, started_at = $7,
          ended_at = case when o.allowed then null else $7::timestamptz end,
          reference = $13, calling_role = $14, called_participant = $15, called_role = $16,
          caller_id = case when o.allowed then $17::text end,
          ring_timeout_seconds = case when o.allowed then $18::int end,
          max_call_seconds = case when o.allowed then least($19::int, o.seconds_left) end,
          route_key = $20, pin_last = $21, pin_tries = c.pin_tries + 1
     from counted o
    where c.tenant = $1 and c.id = $2
   returning c.reason, c.max_call_seconds as "maxCallSeconds"`,
);

export function stepUpStatements(connection: SqlConnection, tenant: string): StepUpStorage {
  return {
    async offer(providerAccount, virtualNumber) {
      const values = [tenant, virtualNumber, providerAccount];
      const [row] = await connection.query<{ step_up: StepUp; shared: boolean }>(stepUpOffer, values);
      return { stepUp: row?.step_up ?? 'none', shared: row?.shared ?? false };
    },
    async wayBetween(sessionId, callingId, calledId) {
      const [way] = await connection.query<SessionWay>(wayBetween, [tenant, sessionId, callingId, calledId]);
      return way ?? null;
    },
    async insertIntent(intent) {
      await connection.query(callIntentInsert, [
        tenant,
        intent.id,
        intent.sessionId,
        intent.participantId,
        intent.virtualNumber,
        intent.routeKey,
        intent.callerKey,
        at(intent.createdAt),
        at(intent.expiresAt),
      ]);
    },
    async useIntent({ virtualNumber, callerKey, routeKey, now }) {
      const values = [tenant, virtualNumber, callerKey, routeKey, at(now)];
      const [used] = await connection.query<{ route_key: Uint8Array }>(callIntentUse, values);
      return used?.route_key ?? null;
    },
    async setPin(sessionId, participantId, { hash, digits }, createdAt) {
      await connection.query(participantPinSet, [
        tenant,
        sessionId,
        participantId,
        hash,
        digits,
        at(createdAt),
      ]);
    },
    async lockPinCall(providerAccount, providerCallId) {
      const values = [tenant, providerAccount, providerCallId];
      const [call] = await connection.query<PinCall>(pinCallLock, values);
      return call ?? null;
    },
    pinCandidates: ({ virtualNumber, routeKey, now, limit }) =>
      connection.query<PinCandidate>(pinCandidates, [tenant, virtualNumber, routeKey, at(now), limit]),
    async countTry(virtualNumber, sessionId, now, dayAgo) {
      const values = [tenant, virtualNumber, sessionId, at(now), at(dayAgo)];
      const [row] = await connection.query<{ tries: number }>(pinLockCount, values);
      return row?.tries ?? Number.POSITIVE_INFINITY;
    },
    async forgetTry(virtualNumber, sessionId) {
      await connection.query(pinLockForget, [tenant, virtualNumber, sessionId]);
    },
    async noteWrongPin(callId, guess) {
      await connection.query(callNoteWrongPin, [tenant, callId, guess]);
    },
    async promote(call, route, routeKey, guess, limits) {
      type Row = { reason: DecisionReason; maxCallSeconds: number | null };
      const [row] = await connection.query<Row>(callPromote, [
        tenant,
        call.id,
        call.providerAccount,
        call.providerCallId,
        route.sessionId,
        route.callingParticipantId,
        at(call.startedAt),
        at(call.startedAt - HOUR_MS),
        limits.heldUntil,
        limits.concurrentCallsMax,
        limits.hourlyAttemptsMax,
        limits.totalTalkSecondsMax,
        route.reference,
        route.callingRole,
        route.calledParticipantId,
        route.calledRole,
        route.callerId,
        route.ringTimeoutSeconds,
        route.maxCallSeconds,
        routeKey,
        guess,
      ]);
      if (!row) throw new Error('A call is gone within the transaction that locked it.');
      return row;
    },
  };
}
