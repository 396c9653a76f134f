import type { Instant } from '../../lib/clock.ts';
import type { HistoryKind } from '../storage.ts';
import { type SqlConnection, statement } from './connection.ts';
import { at } from './parameters.ts';

// Each takes the oldest rows by an index, skips what somebody is working on, and is a transaction of its own.
const expungeCalls = statement(
  'expunge_calls',
  `delete from call where (tenant, id) in
     (select tenant, id from call where started_at <= $1 and state in ('ended', 'refused')
       order by started_at limit $2 for update skip locked)
   returning 1`,
);
const expungeMessages = statement(
  'expunge_messages',
  `delete from message where (tenant, id) in
     (select tenant, id from message where created_at <= $1 order by created_at limit $2 for update skip locked)
   returning 1`,
);
// Its order goes with its last session; orders that never had one go by themselves.
const expungeSessions = statement(
  'expunge_sessions',
  `delete from session where (tenant, id) in
     (select tenant, id from session where state = 'closed' and closed_at <= $1
       order by closed_at limit $2 for update skip locked)
   returning tenant, reference`,
);
// Locked first, and judged by a statement that begins afterwards: whoever makes a session locks the order before, so
// that none can come in between.
const lockReferencesOf = statement(
  'expunge_lock_references_of',
  `select r.tenant, r.reference from reference r
     join unnest($1::text[], $2::text[]) as gone (tenant, reference)
       on r.tenant = gone.tenant and r.reference = gone.reference
      for update of r skip locked`,
);
const lockReferences = statement(
  'expunge_lock_references',
  `select r.tenant, r.reference from reference r
    where coalesce(r.ended_at, r.placed_at) <= $1
      and not exists (select 1 from session s where s.tenant = r.tenant and s.reference = r.reference)
    order by coalesce(r.ended_at, r.placed_at) limit $2 for update skip locked`,
);
const expungeLocked = statement(
  'expunge_locked_references',
  `delete from reference r using unnest($1::text[], $2::text[]) as gone (tenant, reference)
    where r.tenant = gone.tenant and r.reference = gone.reference
      and (r.ended_at is null or r.ended_at <= $3) and (r.placed_at is null or r.placed_at <= $3)
      and not exists (select 1 from session s where s.tenant = r.tenant and s.reference = r.reference)
   returning 1`,
);
// Who stood behind a number stays known by the keyed hash; the number itself is gone, and with the participant's key
// what backups hold of it.
const expungeRealNumbers = statement(
  'expunge_real_numbers',
  `with due as materialized (
     select tenant, session_id, id from participant where sealed_number is not null and released_at <= $1
      order by released_at limit $2 for update skip locked),
   without_keys as (
     delete from participant_key k using due
      where k.tenant = due.tenant and k.session_id = due.session_id and k.participant_id = due.id)
   update participant p set sealed_number = null from due
    where p.tenant = due.tenant and p.session_id = due.session_id and p.id = due.id
   returning 1`,
);

/** Deletes the oldest rows of a kind, at most `limit`, inside one transaction; returns how many. */
export async function expunge(
  connection: SqlConnection,
  kind: HistoryKind,
  before: Instant,
  limit: number,
): Promise<number> {
  const values = [at(before), limit];
  switch (kind) {
    case 'calls':
      return (await connection.query(expungeCalls, values)).length;
    case 'messages':
      return (await connection.query(expungeMessages, values)).length;
    case 'references':
      return deleteReferences(connection, await connection.query<Order>(lockReferences, values), before);
    case 'realNumbers':
      return (await connection.query(expungeRealNumbers, values)).length;
    case 'sessions': {
      const gone = await connection.query<Order>(expungeSessions, values);
      const columns = [gone.map((row) => row.tenant), gone.map((row) => row.reference)];
      const orders = gone.length > 0 ? await connection.query<Order>(lockReferencesOf, columns) : [];
      await deleteReferences(connection, orders, before);
      return gone.length;
    }
  }
}

interface Order {
  readonly tenant: string;
  readonly reference: string;
}

async function deleteReferences(
  connection: SqlConnection,
  orders: readonly Order[],
  before: Instant,
): Promise<number> {
  if (orders.length === 0) return 0;
  const columns = [orders.map((order) => order.tenant), orders.map((order) => order.reference)];
  return (await connection.query(expungeLocked, [...columns, at(before)])).length;
}
