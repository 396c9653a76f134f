import type { NumberClass } from '../../domain/destination.ts';
import type { AttestationPolicy, StepUp } from '../../domain/pool.ts';
import type { SessionMode } from '../../domain/session.ts';
import type { VirtualNumber } from '../../domain/virtual-number.ts';
import type { Instant } from '../../lib/clock.ts';
import type { FoundRoute, NewRoute, RouteStorage } from '../route-storage.ts';
import { type SqlConnection, statement } from './connection.ts';
import { at } from './parameters.ts';

// Rows go in by (number, caller), so that two sessions that want the same two keys cannot wait for each other in
// a circle. A conflict with a row whose rest is over replaces it; any other conflict leaves the row out, and the
// caller sees that the count is short. ON CONFLICT waits for whoever inserts the same key at this moment.
const routeInsertAll = statement(
  'route_insert_all',
  `insert into route (tenant, virtual_number, caller_key, session_id, reference, calling_participant, calling_role,
       called_participant, called_role, sealed_destination, caller_id, mode, live_until, resting_until,
       ring_timeout_seconds, max_call_seconds, attestation, recording_consent, attachments, mask_numbers,
       index_key_id, step_up, concurrent_calls_max, hourly_attempts_max, total_talk_seconds_max, calling_class,
       called_class)
   select $1, n.virtual_number, n.caller_key, $2, $16, n.calling_participant, n.calling_role, n.called_participant,
       n.called_role, n.sealed_destination, n.caller_id, $11, $12, null, $13, $14, $17, $18, $19, $20,
       n.index_key_id, $22, $23, $24, $25, n.calling_class, n.called_class
     from unnest($3::text[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::text[],
                 $21::int[], $26::text[], $27::text[])
       as n (virtual_number, caller_key, calling_participant, calling_role, called_participant, called_role,
             sealed_destination, caller_id, index_key_id, calling_class, called_class)
    order by n.virtual_number, n.caller_key
   on conflict (tenant, virtual_number, caller_key) do update
     set session_id = excluded.session_id, reference = excluded.reference, calling_participant = excluded.calling_participant,
         calling_role = excluded.calling_role, called_participant = excluded.called_participant,
         called_role = excluded.called_role, sealed_destination = excluded.sealed_destination,
         caller_id = excluded.caller_id, mode = excluded.mode, live_until = excluded.live_until,
         resting_until = null, ring_timeout_seconds = excluded.ring_timeout_seconds,
         max_call_seconds = excluded.max_call_seconds, attestation = excluded.attestation,
         recording_consent = excluded.recording_consent, attachments = excluded.attachments,
         mask_numbers = excluded.mask_numbers, index_key_id = excluded.index_key_id, step_up = excluded.step_up,
         concurrent_calls_max = excluded.concurrent_calls_max, hourly_attempts_max = excluded.hourly_attempts_max,
         total_talk_seconds_max = excluded.total_talk_seconds_max, blocked_by = null,
         calling_class = excluded.calling_class, called_class = excluded.called_class
     where route.resting_until <= $15
   returning 1`,
);

/** What a look-up gives of the number `v`, the route `r` and the key of the callee `k`. */
export const LOOKUP_COLUMNS = `v.virtual_number is not null as number_known,
          r.session_id, r.reference, r.calling_participant, r.calling_role, r.called_participant, r.called_role,
          r.sealed_destination, r.caller_id, r.mode, r.live_until, r.ring_timeout_seconds, r.max_call_seconds,
          r.attestation, r.recording_consent, r.attachments, r.mask_numbers, r.step_up, r.concurrent_calls_max,
          r.hourly_attempts_max, r.total_talk_seconds_max, r.blocked_by is not null as blocked,
          r.resting_until is not null as in_grace, k.key as participant_key, v.pool, r.calling_class, r.called_class`;

// The hot question: the number, the route and the key of the callee, each by its primary key. No join on the session.
const routeLookup = statement(
  'route_lookup',
  `select ${LOOKUP_COLUMNS}
     from (select 1) one
     left join virtual_number v on v.tenant = $1 and v.virtual_number = $2 and v.state <> 'decommissioned'
       and v.withdrawn_at is null
       and ($4::text is null or v.provider_account = $4)
     left join route r on r.tenant = $1 and r.virtual_number = $2 and r.caller_key = $3
       and (r.resting_until is null or r.resting_until > $5)
     left join participant_key k on k.tenant = $1 and k.session_id = r.session_id
       and k.participant_id = r.called_participant`,
);
const routeRest = statement(
  'route_rest',
  `update route set live_until = least(live_until, $3), resting_until = $4
    where tenant = $1 and session_id = $2`,
);
const routeSetLiveUntil = statement(
  'route_set_live_until',
  'update route set live_until = $3 where tenant = $1 and session_id = $2 and resting_until is null',
);
const routeRestOf = statement(
  'route_rest_of',
  `update route set live_until = least(live_until, $4), resting_until = $5
    where tenant = $1 and session_id = $2 and calling_participant = $3`,
);

const routeSetDestination = statement(
  'route_set_destination',
  `update route set sealed_destination = $4, called_class = $5
    where tenant = $1 and virtual_number = $2 and caller_key = $3`,
);

export interface LookupRow {
  readonly number_known: boolean;
  readonly session_id: string | null;
  readonly reference: string;
  readonly calling_participant: string;
  readonly calling_role: string;
  readonly called_participant: string;
  readonly called_role: string;
  readonly sealed_destination: Uint8Array | null;
  readonly caller_id: VirtualNumber;
  readonly mode: SessionMode;
  readonly live_until: Instant;
  readonly ring_timeout_seconds: number;
  readonly max_call_seconds: number;
  readonly attestation: AttestationPolicy;
  readonly recording_consent: string | null;
  readonly attachments: boolean;
  readonly mask_numbers: boolean;
  readonly step_up: StepUp;
  readonly concurrent_calls_max: number;
  readonly hourly_attempts_max: number;
  readonly total_talk_seconds_max: number;
  readonly blocked: boolean;
  readonly in_grace: boolean;
  readonly participant_key: Uint8Array | null;
  readonly pool: string;
  readonly calling_class: NumberClass | null;
  readonly called_class: NumberClass | null;
}

export function routeStatements(connection: SqlConnection, tenant: string): RouteStorage {
  return {
    async insertAll(sessionId, routes, now) {
      const [first] = routes;
      if (!first) return true;
      const column = <K extends keyof NewRoute>(key: K): NewRoute[K][] => routes.map((route) => route[key]);
      const inserted = await connection.query(routeInsertAll, [
        tenant,
        sessionId,
        column('virtualNumber'),
        column('callerKey'),
        column('callingParticipantId'),
        column('callingRole'),
        column('calledParticipantId'),
        column('calledRole'),
        column('sealedDestination'),
        column('callerId'),
        first.mode,
        at(first.liveUntil),
        first.ringTimeoutSeconds,
        first.maxCallSeconds,
        at(now),
        first.reference,
        first.attestation,
        first.recordingConsent,
        first.attachments,
        first.maskNumbers,
        column('indexKeyId'),
        first.stepUp,
        first.concurrentCallsMax,
        first.hourlyAttemptsMax,
        first.totalTalkSecondsMax,
        column('callingClass'),
        column('calledClass'),
      ]);
      return inserted.length === routes.length;
    },
    async lookup(question) {
      const [row] = await connection.query<LookupRow>(routeLookup, [
        tenant,
        question.virtualNumber,
        question.callerKey,
        question.providerAccount,
        at(question.now),
      ]);
      return { numberKnown: row?.number_known ?? false, route: row ? toFoundRoute(row) : null };
    },
    async rest(sessionId, liveUntil, restingUntil) {
      await connection.query(routeRest, [tenant, sessionId, at(liveUntil), at(restingUntil)]);
    },
    async setLiveUntil(sessionId, liveUntil) {
      await connection.query(routeSetLiveUntil, [tenant, sessionId, at(liveUntil)]);
    },
    async restOf(sessionId, participantId, liveUntil, restingUntil) {
      await connection.query(routeRestOf, [
        tenant,
        sessionId,
        participantId,
        at(liveUntil),
        at(restingUntil),
      ]);
    },
    async setDestination(virtualNumber, callerKey, sealed, calledClass) {
      await connection.query(routeSetDestination, [tenant, virtualNumber, callerKey, sealed, calledClass]);
    },
  };
}

export function toFoundRoute(row: LookupRow): FoundRoute | null {
  if (row.session_id === null) return null;
  return {
    sessionId: row.session_id,
    reference: row.reference,
    callingParticipantId: row.calling_participant,
    callingRole: row.calling_role,
    calledParticipantId: row.called_participant,
    calledRole: row.called_role,
    inGrace: row.in_grace,
    sealedDestination: row.sealed_destination,
    participantKey: row.participant_key,
    callerId: row.caller_id,
    mode: row.mode,
    liveUntil: row.live_until,
    ringTimeoutSeconds: row.ring_timeout_seconds,
    maxCallSeconds: row.max_call_seconds,
    attestation: row.attestation,
    recordingConsent: row.recording_consent,
    attachments: row.attachments,
    maskNumbers: row.mask_numbers,
    stepUp: row.step_up,
    concurrentCallsMax: row.concurrent_calls_max,
    hourlyAttemptsMax: row.hourly_attempts_max,
    totalTalkSecondsMax: row.total_talk_seconds_max,
    blocked: row.blocked,
    pool: row.pool,
    callingClass: row.calling_class,
    calledClass: row.called_class,
  };
}
