import type { SessionState } from '../../domain/session.ts';
import type { VirtualNumber } from '../../domain/virtual-number.ts';
import type { Instant } from '../../lib/clock.ts';
import type { EndingSession, EndingStorage } from '../ending-storage.ts';
import { LAST_CALL_END } from './call-columns.ts';
import { type SqlConnection, statement } from './connection.ts';
import { at } from './parameters.ts';

// In the order of the references, so that two lots cannot wait in a circle.
const referencePlaceMany = statement(
  'reference_place_many',
  `insert into reference (tenant, reference, pool, placed_at)
   select $1, r.reference, r.pool, $4 from unnest($2::text[], $3::text[]) as r (reference, pool) order by r.reference
   on conflict (tenant, reference) do update set pool = coalesce(reference.pool, excluded.pool), placed_at = excluded.placed_at
     where reference.placed_at is null`,
);
const referenceEndMany = statement(
  'reference_end_many',
  `update reference set ended_at = $4, ended_reason = $3
    where tenant = $1 and reference = any($2::text[]) and ended_at is null`,
);
const sessionLiveMany = statement(
  'session_live_many',
  `select s.id, s.reference, s.assignment, s.pool, s.state, s.expires_at, p.role, p.user_id, p.virtual_number, p.exclusive
     from session s join participant p on p.tenant = s.tenant and p.session_id = s.id
    where s.tenant = $1 and s.reference = any($2::text[]) and s.state <> 'closed'
    order by s.id, p.place`,
);
const sessionCloseMany = statement(
  'session_close_many',
  `with released as (
     update participant set released_at = $3
      where tenant = $1 and session_id = any($2::text[]) and released_at is null)
   update session set state = 'closed', closed_at = $3, closed_reason = $4
    where tenant = $1 and id = any($2::text[]) and state <> 'closed'`,
);
const callLastEndMany = statement(
  'call_last_end_many',
  `select session_id, ${LAST_CALL_END} as last_end
     from call where tenant = $1 and session_id = any($2::text[]) and state <> 'refused' group by session_id`,
);
// Whoever opens sessions takes routes in the order of their keys too.
const routeRestMany = statement(
  'route_rest_many',
  `update route r set live_until = least(r.live_until, $3), resting_until = $4
     from (select virtual_number, caller_key from route where tenant = $1 and session_id = any($2::text[])
            order by virtual_number, caller_key for no key update) ending
    where r.tenant = $1 and r.virtual_number = ending.virtual_number and r.caller_key = ending.caller_key`,
);
const virtualNumberRestMany = statement(
  'virtual_number_rest_many',
  `update virtual_number resting set idle_at = $4
     from (select virtual_number from virtual_number
            where tenant = $1 and virtual_number = any($2::text[]) and last_session_id = any($3::text[])
            order by virtual_number for update) choice
    where resting.tenant = $1 and resting.virtual_number = choice.virtual_number`,
);

interface LiveRow {
  readonly id: string;
  readonly reference: string;
  readonly assignment: number;
  readonly pool: string;
  readonly state: SessionState;
  readonly expires_at: Instant;
  readonly role: string;
  readonly user_id: string | null;
  readonly virtual_number: VirtualNumber | null;
  readonly exclusive: boolean;
}

/** The ends of many orders at once. */
export function endingStatements(connection: SqlConnection, tenant: string): EndingStorage {
  return {
    async placeReferences(orders, placedAt) {
      const references = orders.map(({ reference }) => reference);
      const pools = orders.map(({ pool }) => pool);
      await connection.query(referencePlaceMany, [tenant, references, pools, at(placedAt)]);
    },
    async endReferences(references, reason, endedAt) {
      await connection.query(referenceEndMany, [tenant, references, reason, at(endedAt)]);
    },
    async liveSessions(references) {
      return toEnding(await connection.query<LiveRow>(sessionLiveMany, [tenant, references]));
    },
    async closeSessions(sessionIds, closedAt, reason) {
      await connection.query(sessionCloseMany, [tenant, sessionIds, at(closedAt), reason]);
    },
    async lastCallEnds(sessionIds) {
      type Row = { session_id: string; last_end: Instant | null };
      const rows = await connection.query<Row>(callLastEndMany, [tenant, sessionIds]);
      return new Map(rows.flatMap((row) => (row.last_end === null ? [] : [[row.session_id, row.last_end]])));
    },
    async restRoutes(sessionIds, liveUntil, restingUntil) {
      await connection.query(routeRestMany, [tenant, sessionIds, at(liveUntil), at(restingUntil)]);
    },
    async restNumbers(virtualNumbers, sessionIds, until) {
      await connection.query(virtualNumberRestMany, [tenant, virtualNumbers, sessionIds, at(until)]);
    },
  };
}

function toEnding(rows: readonly LiveRow[]): EndingSession[] {
  const sessions = new Map<
    string,
    EndingSession & { participants: EndingSession['participants'][number][] }
  >();
  for (const row of rows) {
    const { id, reference, assignment, pool, state } = row;
    const session = sessions.get(id) ?? {
      ...{ id, reference, assignment, pool, state },
      expiresAt: row.expires_at,
      participants: [],
    };
    sessions.set(id, session);
    session.participants.push({
      role: row.role,
      userId: row.user_id,
      virtualNumber: row.virtual_number,
      exclusive: row.exclusive,
    });
  }
  return [...sessions.values()];
}
