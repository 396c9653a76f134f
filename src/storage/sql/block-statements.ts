import type { Instant } from '../../lib/clock.ts';
import type { BlockStorage, PersonBlock, SessionBlock } from '../block-storage.ts';
import { type Database, type SqlConnection, statement, systemScope } from './connection.ts';
import { at } from './parameters.ts';

const PERSON = `id, number_digest as "numberDigest", masked_number as "maskedNumber", user_id as "userId", reason,
  actor, created_at as "createdAt"`;
const IN_SESSION = `id, session_id as "sessionId", blocking_participant as "blockingParticipantId",
  blocked_participant as "blockedParticipantId", created_at as "createdAt"`;

const personBlockInsert = statement(
  'person_block_insert',
  `insert into person_block (tenant, id, number_digest, masked_number, caller_keys, user_id, reason, actor, created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing returning 1`,
);
const personBlockGet = statement(
  'person_block_get',
  `select ${PERSON} from person_block where tenant = $1 and id = $2`,
);
const personBlockList = statement(
  'person_block_list',
  `select ${PERSON} from person_block where tenant = $1 and ($2::text is null or id < $2) order by id desc limit $3`,
);
const personBlockDelete = statement(
  'person_block_delete',
  `delete from person_block where tenant = $1 and id = $2 returning ${PERSON}`,
);
const personBlockAny = statement('person_block_any', 'select 1 from person_block where tenant = $1 limit 1');
const personBlockedAmong = statement(
  'person_blocked_among',
  `select p.place::int as place
     from unnest($2::bytea[], $3::text[]) with ordinality as p (number_digest, user_id, place)
    where exists (select 1 from person_block b where b.tenant = $1 and b.number_digest = p.number_digest)
       or exists (select 1 from person_block b where b.tenant = $1 and b.user_id = p.user_id)`,
);
// By the person's participations, of which each has few routes. A route that is past is left as it is. Without a
// number there is no route, and saying so lets the index on persons be used.
const routeStopPerson = statement(
  'route_stop_person',
  `update route r set blocked_by = array_append(r.blocked_by, $2::text)
     from participant p
    where p.tenant = $1 and p.virtual_number is not null and (p.caller_key = any($3::bytea[]) or p.user_id = $4)
      and r.tenant = $1 and r.session_id = p.session_id and r.live_until > $5
      and (r.calling_participant = p.id or r.called_participant = p.id)
      and $2::text <> all(coalesce(r.blocked_by, '{}'))
   returning 1`,
);
const routeStopCallee = statement(
  'route_stop_callee',
  `update route set blocked_by = array_append(blocked_by, $2::text)
    where tenant = $1 and session_id = $3 and called_participant = $4
      and $2::text <> all(coalesce(blocked_by, '{}'))`,
);
const routeLift = statement(
  'route_lift_block',
  `update route set blocked_by = nullif(array_remove(blocked_by, $2::text), '{}')
    where tenant = $1 and blocked_by is not null and $2::text = any(blocked_by)`,
);
const sessionBlockInsert = statement(
  'session_block_insert',
  `insert into session_block (tenant, id, session_id, blocking_participant, blocked_participant, created_at)
   values ($1, $2, $3, $4, $5, $6)
   on conflict (tenant, session_id, blocking_participant, blocked_participant)
     do update set blocking_participant = excluded.blocking_participant
   returning ${IN_SESSION}`,
);
const sessionBlockDelete = statement(
  'session_block_delete',
  `delete from session_block where tenant = $1 and session_id = $2 and id = $3 returning ${IN_SESSION}`,
);
const routeStopInSession = statement(
  'route_stop_in_session',
  `update route r set blocked_by = array_append(r.blocked_by, b.id)
     from session_block b
    where b.tenant = $1 and b.session_id = $2 and r.tenant = $1 and r.session_id = $2
      and r.calling_participant = b.blocked_participant and r.called_participant = b.blocking_participant
      and b.id <> all(coalesce(r.blocked_by, '{}'))`,
);
const routeStopPersonsOf = statement(
  'route_stop_persons_of',
  `update route r set blocked_by = array_append(r.blocked_by, b.id)
     from participant p
     join person_block b on b.tenant = p.tenant and (b.user_id = p.user_id or p.caller_key = any(b.caller_keys))
    where p.tenant = $1 and p.session_id = $2 and r.tenant = $1 and r.session_id = $2
      and (r.calling_participant = p.id or r.called_participant = p.id)
      and b.id <> all(coalesce(r.blocked_by, '{}'))`,
);
// A session that opened at the moment of the block has seen no block, and the block has seen no route.
const routeStopLately = statement(
  'route_stop_lately',
  `update route r set blocked_by = array_append(r.blocked_by, b.id)
     from person_block b
     join participant p on p.tenant = b.tenant and (p.caller_key = any(b.caller_keys) or p.user_id = b.user_id)
    where b.created_at > $1 and p.virtual_number is not null and r.tenant = p.tenant and r.session_id = p.session_id and r.live_until > $2
      and (r.calling_participant = p.id or r.called_participant = p.id)
      and b.id <> all(coalesce(r.blocked_by, '{}'))
   returning 1`,
);

export function blockStatements(connection: SqlConnection, tenant: string): BlockStorage {
  return {
    async insertPerson(block, { callerKeys }) {
      const rows = await connection.query(personBlockInsert, [
        tenant,
        block.id,
        block.numberDigest,
        block.maskedNumber,
        callerKeys,
        block.userId,
        block.reason,
        block.actor,
        at(block.createdAt),
      ]);
      return rows.length > 0;
    },
    async getPerson(id) {
      const [row] = await connection.query<PersonBlock>(personBlockGet, [tenant, id]);
      return row ?? null;
    },
    listPersons: (page) => connection.query<PersonBlock>(personBlockList, [tenant, page.after, page.limit]),
    async deletePerson(id) {
      const [row] = await connection.query<PersonBlock>(personBlockDelete, [tenant, id]);
      return row ?? null;
    },
    async hasPersons() {
      return (await connection.query(personBlockAny, [tenant])).length > 0;
    },
    async blockedAmong(people) {
      const rows = await connection.query<{ place: number }>(personBlockedAmong, [
        tenant,
        people.map(({ numberDigest }) => numberDigest),
        people.map(({ userId }) => userId),
      ]);
      return new Set(rows.map(({ place }) => place - 1));
    },
    async stopPerson(id, { callerKeys, userId }, now) {
      const values = [tenant, id, callerKeys, userId, at(now)];
      return (await connection.query(routeStopPerson, values)).length;
    },
    async stopCallee(id, sessionId, participantId) {
      await connection.query(routeStopCallee, [tenant, id, sessionId, participantId]);
    },
    async lift(id) {
      await connection.query(routeLift, [tenant, id]);
    },
    async insertInSession(block) {
      const [row] = await connection.query<SessionBlock>(sessionBlockInsert, [
        tenant,
        block.id,
        block.sessionId,
        block.blockingParticipantId,
        block.blockedParticipantId,
        at(block.createdAt),
      ]);
      return row ?? block;
    },
    async deleteInSession(sessionId, id) {
      const [row] = await connection.query<SessionBlock>(sessionBlockDelete, [tenant, sessionId, id]);
      return row ?? null;
    },
    async stopInSession(sessionId) {
      await connection.query(routeStopInSession, [tenant, sessionId]);
      await connection.query(routeStopPersonsOf, [tenant, sessionId]);
    },
  };
}

/** Marks what opened while somebody was being blocked, for all tenants. Returns how many routes that were. */
export async function stopBlockedLately(database: Database, since: Instant, now: Instant): Promise<number> {
  const rows = await database.run(systemScope, (connection) =>
    connection.query(routeStopLately, [at(since), at(now)]),
  );
  return rows.length;
}
