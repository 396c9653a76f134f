import type { AssignmentStorage, InboxEvent, NewAssignment } from '../assignment-storage.ts';
import type { NewRoute } from '../route-storage.ts';
import { type SqlConnection, statement } from './connection.ts';
import { lotNumberStatements } from './lot-number-statements.ts';
import { at, atOrNull } from './parameters.ts';

// The limit keeps it one look-up for each, where the planner would read the whole inbox while it knows little of it.
const inboxKnownMany = statement(
  'inbox_known_many',
  `select e.place::int as place from unnest($2::text[], $3::text[]) with ordinality as e (source, event_id, place)
    cross join lateral (
      select 1 from inbox i where i.tenant = $1 and i.source = e.source and i.event_id = e.event_id limit 1) known`,
);
const inboxInsertMany = statement(
  'inbox_insert_many',
  `insert into inbox (tenant, source, event_id, received_at)
   select $1, e.source, e.event_id, $4 from unnest($2::text[], $3::text[]) as e (source, event_id)
    order by e.source, e.event_id
   on conflict do nothing returning source, event_id`,
);
const inboxForgetMany = statement(
  'inbox_forget_many',
  `delete from inbox i using unnest($2::text[], $3::text[]) as e (source, event_id)
    where i.tenant = $1 and i.source = e.source and i.event_id = e.event_id`,
);
// Those that nobody has heard of come with their assignment, which spares a second version of the row; the others are
// locked by the statement after it. In the order of the references, so that two lots cannot wait in a circle.
const referenceInsertMany = statement(
  'reference_insert_many',
  `insert into reference (tenant, reference, pool, highest_assignment)
   select $1, r.reference, $4, r.assignment from unnest($2::text[], $3::bigint[]) as r (reference, assignment)
    order by r.reference
   on conflict do nothing returning reference`,
);
const referenceLockMany = statement(
  'reference_lock_many',
  `select reference, highest_assignment, ended_reason from reference
    where tenant = $1 and reference = any($2) order by reference for no key update`,
);
const referenceForgetMany = statement(
  'reference_forget_many',
  'delete from reference where tenant = $1 and reference = any($2)',
);
const referenceSetHighestMany = statement(
  'reference_set_highest_many',
  `update reference r set highest_assignment = a.assignment, pool = $4
     from unnest($2::text[], $3::bigint[]) as a (reference, assignment)
    where r.tenant = $1 and r.reference = a.reference`,
);
const sessionInsertMany = statement(
  'session_insert_many',
  `insert into session (tenant, id, reference, assignment, pool, mode, state, created_at, opened_at, expires_at)
   select $1, s.id, s.reference, s.assignment, $5, $6, $7, $8, $9, $10
     from unnest($2::text[], $3::text[], $4::bigint[]) as s (id, reference, assignment)`,
);
const participantInsertMany = statement(
  'participant_insert_many',
  `with new_key as (
     insert into participant_key (tenant, session_id, participant_id, key)
     select $1, k.session_id, k.id, k.key from unnest($2::text[], $3::text[], $12::bytea[]) as k (session_id, id, key))
   insert into participant (tenant, session_id, id, place, role, user_id, sealed_number, caller_key, virtual_number,
       exclusive, index_key_id, verified_at)
   select $1, p.session_id, p.id, p.place, p.role, p.user_id, p.sealed_number, p.caller_key, p.virtual_number, $10,
       p.index_key_id, p.verified_at
     from unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::bytea[], $8::bytea[], $9::text[],
                 $11::int[], $13::timestamptz[])
       as p (session_id, id, place, role, user_id, sealed_number, caller_key, virtual_number, index_key_id,
             verified_at)`,
);
// As `route_insert_all`: by (number, caller), and in the place of a route whose rest is over.
const routeInsertMany = statement(
  'route_insert_many',
  `insert into route (tenant, virtual_number, caller_key, session_id, reference, calling_participant, calling_role,
       called_participant, called_role, sealed_destination, caller_id, mode, live_until, resting_until,
       ring_timeout_seconds, max_call_seconds, attestation, recording_consent, attachments, mask_numbers,
       index_key_id, step_up, concurrent_calls_max, hourly_attempts_max, total_talk_seconds_max, calling_class,
       called_class)
   select $1, n.virtual_number, n.caller_key, n.session_id, n.reference, n.calling_participant, n.calling_role,
       n.called_participant, n.called_role, n.sealed_destination, n.caller_id, $12, $13, null, $14, $15, $17, $18, $19, $20,
       n.index_key_id, $22, $23, $24, $25, n.calling_class, n.called_class
     from unnest($2::text[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                 $10::bytea[], $11::text[], $21::int[], $26::text[], $27::text[])
       as n (virtual_number, caller_key, session_id, reference, calling_participant, calling_role, called_participant,
             called_role, sealed_destination, caller_id, index_key_id, calling_class, called_class)
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
     where route.resting_until <= $16
   returning 1`,
);

export function assignmentStatements(connection: SqlConnection, tenant: string): AssignmentStorage<NewRoute> {
  const sources = (events: readonly InboxEvent[]): string[] => events.map((event) => event.source);
  const ids = (events: readonly InboxEvent[]): string[] => events.map((event) => event.eventId);
  const places = (rows: readonly { place: number }[]): Set<number> =>
    new Set(rows.map(({ place }) => place - 1));
  return {
    ...lotNumberStatements(connection, tenant),
    async inboxKnown(events) {
      return places(await connection.query(inboxKnownMany, [tenant, sources(events), ids(events)]));
    },
    async inboxInsert(events, now) {
      type Row = { source: string; event_id: string };
      const values = [tenant, sources(events), ids(events), at(now)];
      const rows = await connection.query<Row>(inboxInsertMany, values);
      const fresh = new Set(rows.map((row) => inboxKey(row.source, row.event_id)));
      // An event that is there twice was noted once: its first place is the new one.
      return new Set(
        events.flatMap(({ source, eventId }, place) =>
          fresh.delete(inboxKey(source, eventId)) ? [place] : [],
        ),
      );
    },
    async inboxForget(events) {
      await connection.query(inboxForgetMany, [tenant, sources(events), ids(events)]);
    },
    async takeReferences(assignments, pool) {
      type Row = { reference: string; highest_assignment: number | null; ended_reason: string | null };
      const references = assignments.map((a) => a.reference);
      const highest = assignments.map((a) => a.assignment);
      const values = [tenant, references, highest, pool];
      const made = await connection.query<{ reference: string }>(referenceInsertMany, values);
      const fresh = new Set(made.map(({ reference }) => reference));
      const others = references.filter((reference) => !fresh.has(reference));
      const rows =
        others.length === 0 ? [] : await connection.query<Row>(referenceLockMany, [tenant, others]);
      const known = rows.map(
        (row) =>
          [
            row.reference,
            { highestAssignment: row.highest_assignment, endedReason: row.ended_reason },
          ] as const,
      );
      return { fresh, known: new Map(known) };
    },
    async forgetReferences(references) {
      await connection.query(referenceForgetMany, [tenant, references]);
    },
    async setHighestAssignments(assignments, pool) {
      await connection.query(referenceSetHighestMany, [
        tenant,
        assignments.map((a) => a.reference),
        assignments.map((a) => a.assignment),
        pool,
      ]);
    },
    async insertSessions(assignments, { pool, mode, state, exclusive, now, expiresAt }) {
      await connection.query(sessionInsertMany, [
        tenant,
        assignments.map((a) => a.id),
        assignments.map((a) => a.reference),
        assignments.map((a) => a.assignment),
        pool,
        mode,
        state,
        at(now),
        atOrNull(state === 'open' ? now : null),
        at(expiresAt),
      ]);
      await insertParticipants(connection, tenant, assignments, exclusive);
    },
    async insertRoutes(routes, now) {
      const [first] = routes;
      if (!first) return 0;
      const column = <K extends keyof NewRoute>(key: K): NewRoute[K][] => routes.map((route) => route[key]);
      const inserted = await connection.query(routeInsertMany, [
        tenant,
        column('virtualNumber'),
        column('callerKey'),
        routes.map((route) => route.sessionId),
        column('reference'),
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
      return inserted.length;
    },
  };
}

async function insertParticipants(
  connection: SqlConnection,
  tenant: string,
  assignments: readonly NewAssignment[],
  exclusive: boolean,
): Promise<void> {
  const rows = assignments.flatMap(({ id, participants }) =>
    // The single path counts places from 1, as `with ordinality` does.
    participants.map((participant, i) => ({ ...participant, sessionId: id, place: i + 1 })),
  );
  await connection.query(participantInsertMany, [
    tenant,
    rows.map((row) => row.sessionId),
    rows.map((row) => row.id),
    rows.map((row) => row.place),
    rows.map((row) => row.role),
    rows.map((row) => row.userId),
    rows.map((row) => row.sealedNumber),
    rows.map((row) => row.callerKey),
    rows.map((row) => row.virtualNumber),
    exclusive,
    rows.map((row) => row.indexKeyId),
    rows.map((row) => row.participantKey),
    rows.map(({ verifiedAt = null }) => atOrNull(verifiedAt)),
  ]);
}

function inboxKey(source: string, eventId: string): string {
  return JSON.stringify([source, eventId]);
}
