import type { KeyUse, PrivacyStorage, SealedParticipant, SealedRoute } from '../privacy-storage.ts';
import { type SqlConnection, statement } from './connection.ts';

/** Bytes 2 to 5 of a sealed value name the key that sealed it. */
const keyIdOf = (column: string): string =>
  `('x' || encode(substring(${column} from 2 for 4), 'hex'))::bit(32)::int`;

const PARTICIPANT_KEY = `left join participant_key k
    on k.tenant = p.tenant and k.session_id = p.session_id and k.participant_id = p.id`;
const SEALED_PARTICIPANT = `p.session_id as "sessionId", p.id, p.sealed_number as "sealedNumber", k.key as "participantKey"`;

// Forward over the primary key from where the batch before ended, so that all batches together read the table once.
const participantsSealedWith = statement(
  'participants_sealed_with',
  `select ${SEALED_PARTICIPANT} from participant p ${PARTICIPANT_KEY}
    where p.tenant = $1 and (p.session_id, p.id) > ($2, $3) and p.sealed_number is not null
      and ${keyIdOf('p.sealed_number')} = any($4::int[])
    order by p.session_id, p.id limit $5`,
);
const participantsReseal = statement(
  'participants_reseal',
  `update participant p set sealed_number = n.after
     from unnest($2::text[], $3::text[], $4::bytea[], $5::bytea[]) as n (session_id, id, before, after)
    where p.tenant = $1 and p.session_id = n.session_id and p.id = n.id and p.sealed_number = n.before`,
);
const routesSealedWith = statement(
  'routes_sealed_with',
  `select r.virtual_number as "virtualNumber", r.caller_key as "callerKey",
          r.sealed_destination as "sealedDestination", k.key as "participantKey"
     from route r
     left join participant_key k
       on k.tenant = r.tenant and k.session_id = r.session_id and k.participant_id = r.called_participant
    where r.tenant = $1 and (r.virtual_number, r.caller_key) > ($2, $3::bytea) and r.sealed_destination is not null
      and ${keyIdOf('r.sealed_destination')} = any($4::int[])
    order by r.virtual_number, r.caller_key limit $5`,
);
const routesReseal = statement(
  'routes_reseal',
  `update route r set sealed_destination = n.after
     from unnest($2::text[], $3::bytea[], $4::bytea[], $5::bytea[]) as n (virtual_number, caller_key, before, after)
    where r.tenant = $1 and r.virtual_number = n.virtual_number and r.caller_key = n.caller_key
      and r.sealed_destination = n.before`,
);
const sealingUse = statement(
  'sealing_use',
  `select key_id as "keyId", sum(participants)::int as participants, sum(routes)::int as routes from (
     select ${keyIdOf('sealed_number')} as key_id, count(*) as participants, 0 as routes
       from participant where tenant = $1 and sealed_number is not null group by 1
     union all
     select ${keyIdOf('sealed_destination')}, 0, count(*)
       from route where tenant = $1 and sealed_destination is not null group by 1) used
    group by key_id order by key_id`,
);
const indexUse = statement(
  'index_use',
  `select key_id as "keyId", sum(participants)::int as participants, sum(routes)::int as routes from (
     select coalesce(index_key_id, 0) as key_id, count(*) as participants, 0 as routes
       from participant where tenant = $1 and caller_key is not null group by 1
     union all
     select coalesce(index_key_id, 0), 0, count(*) from route where tenant = $1 group by 1) used
    group by key_id order by key_id`,
);

// Limited, so that it is asked of each row by the index of sessions: as `not exists` it becomes a join, for which the planner
// reads all twins there are, again for each row.
const HAS_NO_TWIN = `(r.index_key_id is distinct from $2 and (
       select true from route twin where twin.tenant = r.tenant and twin.session_id = r.session_id
          and twin.virtual_number = r.virtual_number and twin.calling_participant = r.calling_participant
          and twin.index_key_id = $2 limit 1) is null)`;
const sessionsToRekey = statement(
  'sessions_to_rekey',
  `select r.session_id as "sessionId", r.reference, ${HAS_NO_TWIN} as lonely
     from (select * from route w where w.tenant = $1 and w.session_id > $3 order by w.session_id limit $4) r
    order by r.session_id`,
);
// As ReferenceStorage.lock does it, in the order of the references: two who lock several wait, and do not block each other.
const referencesLock = statement(
  'references_lock',
  `insert into reference (tenant, reference) select $1, r from unnest($2::text[]) as r order by r
   on conflict (tenant, reference) do update set reference = excluded.reference`,
);
// The limits keep the planner from reading whole tables for the few rows of a lot.
const lonelyRoutes = statement(
  'lonely_routes',
  `select r.virtual_number as "virtualNumber", r.caller_key as "callerKey",
          r.sealed_destination as "sealedDestination", k.key as "participantKey",
          r.calling_participant as "callingParticipant", c.sealed_number as "callerSealedNumber",
          ck.key as "callerParticipantKey"
     from unnest($3::text[]) as s (session_id)
     join lateral (select * from route w where w.tenant = $1 and w.session_id = s.session_id limit 1000) r on true
     join lateral (
       select p.sealed_number from participant p
        where p.tenant = $1 and p.session_id = r.session_id and p.id = r.calling_participant limit 1) c on true
     left join lateral (
       select o.key from participant_key o
        where o.tenant = $1 and o.session_id = r.session_id and o.participant_id = r.called_participant limit 1) k on true
     left join lateral (
       select o.key from participant_key o
        where o.tenant = $1 and o.session_id = r.session_id and o.participant_id = r.calling_participant limit 1) ck on true
    where ${HAS_NO_TWIN} and r.sealed_destination is not null`,
);
// Every column as it is but for three, whatever columns there are. Lateral: `(record).*` would make the record anew for
// each of its columns.
const routeAddTwins = statement(
  'route_add_twins',
  `insert into route
   select twin.*
     from unnest($2::text[], $3::bytea[], $4::bytea[], $5::int[], $6::bytea[])
            as n (virtual_number, caller_key, twin_key, index_key_id, sealed_destination)
     join route r on r.tenant = $1 and r.virtual_number = n.virtual_number and r.caller_key = n.caller_key
    cross join lateral jsonb_populate_record(r, jsonb_build_object(
            'caller_key', n.twin_key, 'index_key_id', n.index_key_id, 'sealed_destination', n.sealed_destination)) as twin
   on conflict do nothing`,
);
// Forward over the primary key as well: from the start again, each batch would step over all that were deleted before.
const deleteRoutesNotUnder = statement(
  'delete_routes_not_under',
  `with gone as (
     delete from route where (tenant, virtual_number, caller_key) in (
       select tenant, virtual_number, caller_key from route
        where tenant = $1 and (virtual_number, caller_key) > ($3, $4::bytea) and index_key_id is distinct from $2
        order by virtual_number, caller_key limit $5)
     returning virtual_number, caller_key)
   select virtual_number as "virtualNumber", caller_key as "callerKey" from gone
    order by virtual_number, caller_key`,
);
const participantsNotUnder = statement(
  'participants_not_under',
  `select ${SEALED_PARTICIPANT} from participant p ${PARTICIPANT_KEY}
    where p.tenant = $1 and (p.session_id, p.id) > ($2, $3) and p.sealed_number is not null
      and p.index_key_id is distinct from $4
    order by p.session_id, p.id limit $5`,
);
const participantsSetCallerKeys = statement(
  'participants_set_caller_keys',
  `update participant p set caller_key = n.caller_key, index_key_id = n.index_key_id
     from unnest($2::text[], $3::text[], $4::bytea[], $5::int[]) as n (session_id, id, caller_key, index_key_id)
    where p.tenant = $1 and p.session_id = n.session_id and p.id = n.id and p.caller_key is not null`,
);

type RekeyStorage = Pick<
  PrivacyStorage,
  | 'participantsSealedWith'
  | 'resealParticipants'
  | 'routesSealedWith'
  | 'resealRoutes'
  | 'sealingUse'
  | 'indexUse'
  | 'sessionsToRekey'
  | 'lockReferences'
  | 'lonelyRoutes'
  | 'addTwins'
  | 'deleteRoutesNotUnder'
  | 'participantsNotUnder'
  | 'setCallerKeys'
>;

/** What the exchange of sealing and index keys reads and writes. */
export function rekeyStatements(connection: SqlConnection, tenant: string): RekeyStorage {
  const column = <R, K extends keyof R>(rows: readonly R[], key: K): R[K][] => rows.map((row) => row[key]);
  return {
    participantsSealedWith: (keyIds, after, limit) =>
      connection.query<SealedParticipant>(participantsSealedWith, [
        tenant,
        after?.sessionId ?? '',
        after?.id ?? '',
        keyIds,
        limit,
      ]),
    async resealParticipants(rows) {
      const values = [
        column(rows, 'sessionId'),
        column(rows, 'id'),
        column(rows, 'before'),
        column(rows, 'after'),
      ];
      await connection.query(participantsReseal, [tenant, ...values]);
    },
    routesSealedWith: (keyIds, after, limit) =>
      connection.query<SealedRoute>(routesSealedWith, [
        tenant,
        after?.virtualNumber ?? '',
        after?.callerKey ?? new Uint8Array(0),
        keyIds,
        limit,
      ]),
    async resealRoutes(rows) {
      const places = [column(rows, 'virtualNumber'), column(rows, 'callerKey')];
      const values = [...places, column(rows, 'before'), column(rows, 'after')];
      await connection.query(routesReseal, [tenant, ...values]);
    },
    sealingUse: () => connection.query<KeyUse>(sealingUse, [tenant]),
    indexUse: () => connection.query<KeyUse>(indexUse, [tenant]),
    sessionsToRekey: (indexKeyId, after, limit) =>
      connection.query(sessionsToRekey, [tenant, indexKeyId, after ?? '', limit]),
    async lockReferences(references) {
      await connection.query(referencesLock, [tenant, [...new Set(references)]]);
    },
    lonelyRoutes: (sessionIds, indexKeyId) =>
      connection.query(lonelyRoutes, [tenant, indexKeyId, sessionIds]),
    async addTwins(twins) {
      const from = twins.map(({ of }) => of);
      const made = twins.map(({ twin }) => twin);
      const places = [column(from, 'virtualNumber'), column(from, 'callerKey')];
      const values = [
        column(made, 'callerKey'),
        column(made, 'indexKeyId'),
        column(made, 'sealedDestination'),
      ];
      await connection.query(routeAddTwins, [tenant, ...places, ...values]);
    },
    deleteRoutesNotUnder: (indexKeyId, after, limit) =>
      connection.query(deleteRoutesNotUnder, [
        tenant,
        indexKeyId,
        after?.virtualNumber ?? '',
        after?.callerKey ?? new Uint8Array(0),
        limit,
      ]),
    participantsNotUnder: (indexKeyId, after, limit) =>
      connection.query<SealedParticipant>(participantsNotUnder, [
        tenant,
        after?.sessionId ?? '',
        after?.id ?? '',
        indexKeyId,
        limit,
      ]),
    async setCallerKeys(rows) {
      const places = [column(rows, 'sessionId'), column(rows, 'id')];
      const values = [...places, column(rows, 'callerKey'), column(rows, 'indexKeyId')];
      await connection.query(participantsSetCallerKeys, [tenant, ...values]);
    },
  };
}
