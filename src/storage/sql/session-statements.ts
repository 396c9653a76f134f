import type { ClosedReason, SessionMode, SessionState } from '../../domain/session.ts';
import type { VirtualNumber } from '../../domain/virtual-number.ts';
import type { Instant } from '../../lib/clock.ts';
import type { ParticipantRow, SessionRow, SessionStorage } from '../session-storage.ts';
import { type SqlConnection, type Statement, statement } from './connection.ts';
import { at, atOrNull } from './parameters.ts';

interface JoinedRow {
  readonly id: string;
  readonly reference: string;
  readonly assignment: number;
  readonly pool: string;
  readonly mode: SessionMode;
  readonly state: SessionState;
  readonly created_at: Instant;
  readonly opened_at: Instant | null;
  readonly expires_at: Instant;
  readonly closed_at: Instant | null;
  readonly closed_reason: ClosedReason | null;
  readonly participant_id: string;
  readonly role: string;
  readonly user_id: string | null;
  readonly virtual_number: VirtualNumber | null;
  readonly exclusive: boolean;
  readonly sealed_number: Uint8Array | null;
  readonly caller_key: Uint8Array | null;
  readonly verified_at: Instant | null;
  readonly participant_key: Uint8Array | null;
}

// Sessions with their participants, one row a participant; at most ten a session, so the repetition is cheap.
const JOINED = (sessions: string): string => `
  select s.id, s.reference, s.assignment, s.pool, s.mode, s.state, s.created_at, s.opened_at, s.expires_at,
         s.closed_at, s.closed_reason, p.id as participant_id, p.role, p.user_id, p.virtual_number, p.exclusive,
         p.sealed_number, p.caller_key, p.verified_at, k.key as participant_key
    from (${sessions}) s join participant p on p.tenant = s.tenant and p.session_id = s.id
    left join participant_key k on k.tenant = p.tenant and k.session_id = p.session_id and k.participant_id = p.id
   order by s.id desc, p.place`;

const sessionInsert = statement(
  'session_insert',
  `with new_session as (
     insert into session (tenant, id, reference, assignment, pool, mode, state, created_at, expires_at, closed_at, closed_reason)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning id),
   new_key as (
     insert into participant_key (tenant, session_id, participant_id, key)
     select $1, $2, k.id, k.key from unnest($12::text[], $17::bytea[]) as k (id, key))
   insert into participant (tenant, session_id, id, place, role, user_id, sealed_number, caller_key, index_key_id,
       verified_at)
   select $1, new_session.id, p.id, p.place, p.role, p.user_id, p.sealed_number, p.caller_key, p.index_key_id,
       p.verified_at
     from new_session, unnest($12::text[], $13::text[], $14::text[], $15::bytea[], $16::bytea[], $18::int[],
                            $19::timestamptz[])
       with ordinality as p (id, role, user_id, sealed_number, caller_key, index_key_id, verified_at, place)`,
);
const sessionGet = statement('session_get', JOINED('select * from session where tenant = $1 and id = $2'));
const sessionByAssignment = statement(
  'session_by_assignment',
  JOINED('select * from session where tenant = $1 and reference = $2 and assignment = $3'),
);
const sessionLive = statement(
  'session_live',
  JOINED(`select * from session where tenant = $1 and reference = $2 and state <> 'closed'`),
);
const sessionList = statement(
  'session_list',
  JOINED(`select * from session where tenant = $1 and ($2::text is null or reference = $2)
            and ($3::text is null or id < $3) order by id desc limit $4`),
);
const sessionPending = statement(
  'session_pending',
  `select id, reference from session where tenant = $1 and pool = $2 and state = 'pending'
    order by created_at, id limit $3`,
);
const sessionCountPending = statement(
  'session_count_pending',
  `select count(*)::int as count from session where tenant = $1 and pool = $2 and state = 'pending'`,
);
const sessionOpen = statement(
  'session_open',
  `update session set state = 'open', opened_at = $3, expires_at = $4
    where tenant = $1 and id = $2 and state = 'pending'`,
);
const participantAllocate = statement(
  'participant_allocate',
  `update participant p set virtual_number = a.virtual_number, exclusive = a.exclusive
     from unnest($3::text[], $4::text[], $5::boolean[]) as a (id, virtual_number, exclusive)
    where p.tenant = $1 and p.session_id = $2 and p.id = a.id`,
);
const sessionClose = statement(
  'session_close',
  `update session set state = 'closed', closed_at = $3, closed_reason = $4
    where tenant = $1 and id = $2 and state <> 'closed'`,
);
const sessionHolding = statement(
  'session_holding',
  `select s.id, s.reference from participant p join session s on s.tenant = p.tenant and s.id = p.session_id
    where p.tenant = $1 and p.virtual_number = $2 and s.state = 'open' order by s.id`,
);
const sessionSetPending = statement(
  'session_set_pending',
  `update session set state = 'pending', opened_at = null where tenant = $1 and id = $2 and state = 'open'`,
);
const participantTakeBack = statement(
  'participant_take_back',
  `with past as (
     insert into past_allocation (tenant, session_id, participant_id, virtual_number, allocated_at, released_at)
     select p.tenant, p.session_id, p.id, p.virtual_number, s.opened_at, $3
       from participant p join session s on s.tenant = p.tenant and s.id = p.session_id
      where p.tenant = $1 and p.session_id = $2 and p.released_at is null and p.virtual_number is not null)
   update participant set virtual_number = null, exclusive = false
    where tenant = $1 and session_id = $2 and released_at is null`,
);
const participantRelease = statement(
  'participant_release',
  `update participant set released_at = $3
    where tenant = $1 and session_id = $2 and released_at is null`,
);
const sessionSetExpiry = statement(
  'session_set_expiry',
  'update session set expires_at = $3 where tenant = $1 and id = $2',
);
const participantSetNumber = statement(
  'participant_set_number',
  `update participant set sealed_number = $4, caller_key = $5, index_key_id = $6, verified_at = $7
    where tenant = $1 and session_id = $2 and id = $3`,
);

export function sessionStatements(connection: SqlConnection, tenant: string): SessionStorage {
  const joined = async (query: Statement, values: unknown[]): Promise<SessionRow[]> =>
    toSessions(await connection.query<JoinedRow>(query, [tenant, ...values]));
  return {
    async insert(s) {
      const column = <K extends keyof (typeof s.participants)[number]>(key: K) =>
        s.participants.map((p) => p[key]);
      await connection.query(sessionInsert, [
        tenant,
        s.id,
        s.reference,
        s.assignment,
        s.pool,
        s.mode,
        s.state,
        at(s.createdAt),
        at(s.expiresAt),
        atOrNull(s.closedAt),
        s.closedReason,
        column('id'),
        column('role'),
        column('userId'),
        column('sealedNumber'),
        column('callerKey'),
        column('participantKey'),
        column('indexKeyId'),
        s.participants.map(({ verifiedAt = null }) => atOrNull(verifiedAt)),
      ]);
    },
    get: async (id) => (await joined(sessionGet, [id]))[0] ?? null,
    byAssignment: async (reference, assignment) =>
      (await joined(sessionByAssignment, [reference, assignment]))[0] ?? null,
    live: async (reference) => (await joined(sessionLive, [reference]))[0] ?? null,
    list: (filter, page) => joined(sessionList, [filter.reference, page.after, page.limit]),
    pending: (pool, limit) => connection.query(sessionPending, [tenant, pool, limit]),
    async countPending(pool) {
      const [row] = await connection.query<{ count: number }>(sessionCountPending, [tenant, pool]);
      return row?.count ?? 0;
    },
    async open(id, allocations, openedAt, expiresAt) {
      await connection.query(participantAllocate, [
        tenant,
        id,
        allocations.map((a) => a.participantId),
        allocations.map((a) => a.virtualNumber),
        allocations.map((a) => a.exclusive),
      ]);
      await connection.query(sessionOpen, [tenant, id, at(openedAt), at(expiresAt)]);
    },
    async close(id, closedAt, reason) {
      await connection.query(sessionClose, [tenant, id, at(closedAt), reason]);
      await connection.query(participantRelease, [tenant, id, at(closedAt)]);
    },
    holding: (virtualNumber) => connection.query(sessionHolding, [tenant, virtualNumber]),
    async setPending(id, takenBackAt) {
      await connection.query(participantTakeBack, [tenant, id, at(takenBackAt)]);
      await connection.query(sessionSetPending, [tenant, id]);
    },
    async setExpiry(id, expiresAt) {
      await connection.query(sessionSetExpiry, [tenant, id, at(expiresAt)]);
    },
    async setParticipantNumber(id, participantId, sealed, callerKey, verifiedAt = null) {
      const { callerKey: key, indexKeyId } = callerKey;
      await connection.query(participantSetNumber, [
        tenant,
        id,
        participantId,
        sealed,
        key,
        indexKeyId,
        atOrNull(verifiedAt),
      ]);
    },
  };
}

function toSessions(rows: readonly JoinedRow[]): SessionRow[] {
  const sessions = new Map<string, { row: JoinedRow; participants: ParticipantRow[] }>();
  for (const row of rows) {
    const session = sessions.get(row.id) ?? { row, participants: [] };
    sessions.set(row.id, session);
    session.participants.push({
      id: row.participant_id,
      role: row.role,
      userId: row.user_id,
      virtualNumber: row.virtual_number,
      exclusive: row.exclusive,
      sealedNumber: row.sealed_number,
      callerKey: row.caller_key,
      participantKey: row.participant_key,
      verifiedAt: row.verified_at,
    });
  }
  return [...sessions.values()].map(({ row, participants }) => ({
    id: row.id,
    reference: row.reference,
    assignment: row.assignment,
    pool: row.pool,
    mode: row.mode,
    state: row.state,
    createdAt: row.created_at,
    openedAt: row.opened_at,
    expiresAt: row.expires_at,
    closedAt: row.closed_at,
    closedReason: row.closed_reason,
    participants,
  }));
}
