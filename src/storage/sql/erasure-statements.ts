import type { Holder, PrivacyStorage, SealedHolder, UserTraces } from '../privacy-storage.ts';
import { type SqlConnection, type Statement, statement } from './connection.ts';
import { at } from './parameters.ts';

const eraseCallKeys = statement(
  'erase_call_caller_keys',
  `update call set caller_key = null, route_key = null where (tenant, id) in (
     select tenant, id from call where tenant = $1 and caller_key is not null and started_at < $2
      order by started_at limit $3) returning 1`,
);
const eraseMessageKeys = statement(
  'erase_message_caller_keys',
  `update message set caller_key = null where (tenant, id) in (
     select tenant, id from message where tenant = $1 and caller_key is not null and created_at < $2
      order by created_at limit $3) returning 1`,
);
const tracesOf = statement(
  'traces_of_user',
  `select p.session_id as "sessionId", s.reference, p.id as "participantId", p.role, s.state = 'closed' as closed
     from participant p join session s on s.tenant = p.tenant and s.id = p.session_id
    where p.tenant = $1 and p.user_id = $2 order by p.session_id`,
);
const eraseParticipantKey = statement(
  'erase_participant_key',
  'delete from participant_key where tenant = $1 and session_id = $2 and participant_id = $3',
);
const eraseParticipant = statement(
  'erase_participant',
  `update participant set sealed_number = null, caller_key = null, user_id = null
    where tenant = $1 and session_id = $2 and id = $3`,
);
// The key under which the person could be reached rests with the number: without it a late redial of that person
// might reach a stranger. It is gone when the rest is over.
const eraseDestinations = statement(
  'erase_destinations',
  `update route set sealed_destination = null
    where tenant = $1 and session_id = $2 and called_participant = $3`,
);
const eraseSessionCalls = statement(
  'erase_session_calls',
  `update call set caller_key = null, route_key = null
    where tenant = $1 and session_id = $2 and (caller_key is not null or route_key is not null)`,
);
const eraseSessionMessages = statement(
  'erase_session_messages',
  'update message set caller_key = null where tenant = $1 and session_id = $2 and caller_key is not null',
);
const forgetAnswers = statement(
  'forget_answers_about',
  'delete from idempotency where tenant = $1 and position($2 in body) > 0',
);

// By the index on (tenant, virtual number), of which a number has as many rows as it had sessions.
const holders = statement(
  'holders',
  `select h.*, p.role, p.user_id as "userId", p.sealed_number as "sealedNumber", k.key as "participantKey" from (
     select s.id as "sessionId", s.reference, p.id as "participantId", s.opened_at as "from",
            coalesce(p.released_at, s.closed_at) as until,
            case when s.closed_reason = 'completed' then m.grace_seconds else 0 end as grace
       from participant p
       join session s on s.tenant = p.tenant and s.id = p.session_id and s.opened_at <= $3
       join pool m on m.tenant = s.tenant and m.name = s.pool
      where p.tenant = $1 and p.virtual_number = $2
     union all
     select a.session_id, s.reference, a.participant_id, a.allocated_at, a.released_at, 0
       from past_allocation a join session s on s.tenant = a.tenant and s.id = a.session_id
      where a.tenant = $1 and a.virtual_number = $2 and a.allocated_at <= $3) h
     join participant p on p.tenant = $1 and p.session_id = h."sessionId" and p.id = h."participantId"
     left join participant_key k
       on k.tenant = $1 and k.session_id = h."sessionId" and k.participant_id = h."participantId"
    where h.until is null or $3 < h.until + make_interval(secs => h.grace)
    order by h."from" desc limit $4`,
);
const participantGet = statement(
  'participant_get',
  `select p.session_id as "sessionId", p.role, p.user_id as "userId", p.sealed_number as "sealedNumber",
          k.key as "participantKey"
     from participant p
     left join participant_key k on k.tenant = p.tenant and k.session_id = p.session_id and k.participant_id = p.id
    where p.tenant = $1 and p.id = $2`,
);

type ErasureStorage = Pick<
  PrivacyStorage,
  'eraseCallerKeysBefore' | 'tracesOf' | 'eraseParticipant' | 'forgetAnswersAbout' | 'holders' | 'participant'
>;

/** Retention, erasure, and who stood behind a number. */
export function erasureStatements(connection: SqlConnection, tenant: string): ErasureStorage {
  const count = async (query: Statement, values: unknown[]): Promise<number> =>
    (await connection.query(query, [tenant, ...values])).length;
  return {
    async eraseCallerKeysBefore(before, limit) {
      const calls = await count(eraseCallKeys, [at(before), limit]);
      return calls + (await count(eraseMessageKeys, [at(before), limit]));
    },
    tracesOf: (userId) => connection.query<UserTraces>(tracesOf, [tenant, userId]),
    async eraseParticipant({ sessionId, participantId }) {
      const one = [tenant, sessionId, participantId];
      await connection.query(eraseParticipantKey, one);
      await connection.query(eraseParticipant, one);
      await connection.query(eraseDestinations, one);
      await connection.query(eraseSessionCalls, [tenant, sessionId]);
      await connection.query(eraseSessionMessages, [tenant, sessionId]);
    },
    async forgetAnswersAbout(userId) {
      await connection.query(forgetAnswers, [tenant, JSON.stringify(userId)]);
    },
    async holders(virtualNumber, moment, limit) {
      type Row = Omit<Holder, 'inGrace'>;
      const rows = await connection.query<Row>(holders, [tenant, virtualNumber, at(moment), limit]);
      return rows.map((row) => ({ ...row, inGrace: row.until !== null && row.until <= moment }));
    },
    async participant(id) {
      const [row] = await connection.query<SealedHolder>(participantGet, [tenant, id]);
      return row ?? null;
    },
  };
}
