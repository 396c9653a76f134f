import type { KeyUse, PrivacyStorage, SealedParticipant, SealedRoute } from '../privacy-storage.ts';
import { type SqlConnection, type Statement, statement } from './connection.ts';

/** Bytes 2 to 5 of a sealed value name the key that sealed it. */
const keyIdOf = (column: string): string =>
  `('x' || encode(substring(${column} from 2 for 4), 'hex'))::bit(32)::int`;

// Forward over the primary key from where the page before ended, so that all pages together read the table once, and no
// statement reads more than a page, however few of its rows are wanted. The last of a full page comes along to say where
// that was. Limited look-ups of keys: the planner would rather read all of them for what it takes to be many rows.
const participantPage = (wanted: string): string => `
  select p.session_id as "sessionId", p.id, p.sealed_number as "sealedNumber", k.key as "participantKey", p.wanted, p.last
    from (select w.*, w.sealed_number is not null and ${wanted} as wanted,
                 row_number() over (order by w.session_id, w.id) = $5 as last
            from (select session_id, id, sealed_number, index_key_id from participant
                   where tenant = $1 and (session_id, id) > ($2, $3) order by session_id, id limit $5) w) p
    left join lateral (
      select o.key from participant_key o
       where o.tenant = $1 and o.session_id = p.session_id and o.participant_id = p.id limit 1) k on true
   where p.wanted or p.last
   order by p.session_id, p.id`;
const participantsSealedWith = statement(
  'participants_sealed_with',
  participantPage(`${keyIdOf('w.sealed_number')} = any($4::int[])`),
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
          r.sealed_destination as "sealedDestination", k.key as "participantKey", r.wanted, r.last
     from (select w.*, w.sealed_destination is not null and ${keyIdOf('w.sealed_destination')} = any($4::int[]) as wanted,
                  row_number() over (order by w.virtual_number, w.caller_key) = $5 as last
             from (select virtual_number, caller_key, sealed_destination, session_id, called_participant from route
                    where tenant = $1 and (virtual_number, caller_key) > ($2, $3::bytea)
                    order by virtual_number, caller_key limit $5) w) r
     left join lateral (
       select o.key from participant_key o
        where o.tenant = $1 and o.session_id = r.session_id and o.participant_id = r.called_participant limit 1) k on true
    where r.wanted or r.last
    order by r.virtual_number, r.caller_key`,
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
const deleteRoutesNotUnder = statement(
  'delete_routes_not_under',
  `with page as materialized (
     select virtual_number, caller_key, index_key_id,
            row_number() over (order by virtual_number, caller_key) = $5 as last
       from (select virtual_number, caller_key, index_key_id from route where tenant = $1 and (virtual_number, caller_key) > ($3, $4::bytea)
              order by virtual_number, caller_key limit $5) w),
   gone as (
     delete from route where (tenant, virtual_number, caller_key) in (
       select $1::text, virtual_number, caller_key from page where index_key_id is distinct from $2))
   select virtual_number as "virtualNumber", caller_key as "callerKey", false as wanted, last from page where last`,
);
const participantsNotUnder = statement(
  'participants_not_under',
  participantPage('w.index_key_id is distinct from $4'),
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
  const page = async <R>(
    asked: Statement,
    values: readonly unknown[],
  ): Promise<{ rows: R[]; next: R | null }> => {
    const found = await connection.query<R & { readonly wanted: boolean; readonly last: boolean }>(
      asked,
      values,
    );
    return { rows: found.filter(({ wanted }) => wanted), next: found.find(({ last }) => last) ?? null };
  };
  return {
    participantsSealedWith: (keyIds, after, limit) =>
      page<SealedParticipant>(participantsSealedWith, [
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
      page<SealedRoute>(routesSealedWith, [
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
      page<never>(deleteRoutesNotUnder, [
        tenant,
        indexKeyId,
        after?.virtualNumber ?? '',
        after?.callerKey ?? new Uint8Array(0),
        limit,
      ]),
    participantsNotUnder: (indexKeyId, after, limit) =>
      page<SealedParticipant>(participantsNotUnder, [
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
