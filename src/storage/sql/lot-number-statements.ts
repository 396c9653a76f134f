import type { VirtualNumber } from '../../domain/virtual-number.ts';
import type { LotNumberStorage, NumberSearch, Seat } from '../assignment-storage.ts';
import { type SqlConnection, statement } from './connection.ts';
import { at } from './parameters.ts';

// Plan: index scan on virtual_number_idle from the longest idle on, until the limit. Who has met which number is
// asked afterwards, for the few pairs that matter.
const virtualNumberLockIdle = statement(
  'virtual_number_lock_idle',
  `select v.virtual_number from virtual_number v
    where v.tenant = $1 and v.pool = $2 and v.provider_account = $3 and v.state = 'in_service' and v.idle_at <= $4
      and $5 = any(v.capabilities)
    order by v.idle_at, v.virtual_number limit $6
    for no key update skip locked`,
);
const virtualNumberLockThese = statement(
  'virtual_number_lock_these',
  `select virtual_number from virtual_number
    where tenant = $1 and pool = $2 and provider_account = $3 and state = 'in_service' and idle_at <= $4
      and $5 = any(capabilities) and virtual_number = any($6)
    order by virtual_number
    for no key update skip locked`,
);
// What `virtual_number_shared_candidates` says of one person, for many: each is dialled by one other. Plan: for each seat an
// index scan on virtual_number_first_fit until the limit. `offset 0` keeps the planner from turning the two conditions into
// joins, for which it would read every number of the pool, and every route, for each seat.
const virtualNumberSharedMany = statement(
  'virtual_number_shared_many',
  `select s.place::int as place, c.virtual_number, c.position
     from unnest($6::bytea[], $7::bytea[]) with ordinality as s (dialling, standing, place)
    cross join lateral (
      select v.virtual_number, v.position from virtual_number v
       where v.tenant = $1 and v.pool = $2 and v.provider_account = $3 and v.state = 'in_service' and v.idle_at <= $4
         and $5 = any(v.capabilities)
         and not exists (select 1 from route r where r.tenant = $1 and r.virtual_number = v.virtual_number
                           and r.caller_key = s.dialling and (r.resting_until is null or r.resting_until > $4) offset 0)
         and not exists (select 1 from participant p where p.tenant = $1 and p.caller_key = s.standing
                           and p.virtual_number = v.virtual_number and p.released_at is null offset 0)
       order by v.position limit $8) c
    order by s.place, c.position`,
);
// The number that stood for each last, if those who would dial it do not know it and it may be taken.
const virtualNumberStickyMany = statement(
  'virtual_number_sticky_many',
  `select s.place::int as place, v.virtual_number
     from unnest($6::bytea[], $7::bytea[]) with ordinality as s (dialling, standing, place)
    cross join lateral (
      select p.virtual_number from participant p
        join virtual_number own on own.tenant = p.tenant and own.virtual_number = p.virtual_number and own.pool = $2
       where p.tenant = $1 and p.caller_key = s.standing and p.virtual_number is not null
       order by p.session_id desc limit 1) last
     join virtual_number v on v.tenant = $1 and v.virtual_number = last.virtual_number
      and v.provider_account = $3 and v.state = 'in_service' and v.idle_at <= $4 and $5 = any(v.capabilities)
    where not exists (select 1 from route r where r.tenant = $1 and r.virtual_number = v.virtual_number
                         and r.caller_key = s.dialling and (r.resting_until is null or r.resting_until > $4))`,
);
const virtualNumberTakeLocked = statement(
  'virtual_number_take_locked',
  `update virtual_number v set idle_at = null, last_session_id = t.session_id
     from unnest($2::text[], $3::text[]) as t (virtual_number, session_id)
    where v.tenant = $1 and v.virtual_number = t.virtual_number`,
);
// Laterally and with a limit, so that it is one look-up by primary key for each, and never a join over all routes.
const routeHeldMany = statement(
  'route_held_many',
  `select w.place::int as place
     from unnest($2::text[], $3::bytea[]) with ordinality as w (virtual_number, caller_key, place)
    cross join lateral (
      select 1 from route r where r.tenant = $1 and r.virtual_number = w.virtual_number and r.caller_key = w.caller_key
         and (r.resting_until is null or r.resting_until > $4) limit 1) held`,
);

/** Virtual numbers for many assignments at once. */
export function lotNumberStatements(connection: SqlConnection, tenant: string): LotNumberStorage {
  const searchValues = (search: NumberSearch): unknown[] => [
    tenant,
    search.pool,
    search.providerAccount,
    at(search.now),
    search.capability,
  ];
  const seatColumns = (seats: readonly Seat[]): unknown[] => [
    seats.map((seat) => seat.dialling),
    seats.map((seat) => seat.standing),
  ];
  return {
    async lockIdle(search) {
      const rows = await connection.query<{ virtual_number: VirtualNumber }>(virtualNumberLockIdle, [
        ...searchValues(search),
        search.limit,
      ]);
      return rows.map((row) => row.virtual_number);
    },
    async lockThese(virtualNumbers, search) {
      const values = [...searchValues(search), virtualNumbers];
      const rows = await connection.query<{ virtual_number: VirtualNumber }>(virtualNumberLockThese, values);
      return new Set(rows.map((row) => row.virtual_number));
    },
    async sharedCandidates(seats, search) {
      type Row = { place: number; virtual_number: VirtualNumber; position: number };
      const values = [...searchValues(search), ...seatColumns(seats), search.limit];
      const found = seats.map((): { virtualNumber: VirtualNumber; position: number }[] => []);
      for (const row of await connection.query<Row>(virtualNumberSharedMany, values)) {
        found[row.place - 1]?.push({ virtualNumber: row.virtual_number, position: row.position });
      }
      return found;
    },
    async stickyCandidates(seats, search) {
      type Row = { place: number; virtual_number: VirtualNumber };
      const values = [...searchValues(search), ...seatColumns(seats)];
      const rows = await connection.query<Row>(virtualNumberStickyMany, values);
      return new Map(rows.map((row) => [row.place - 1, row.virtual_number]));
    },
    async routesHeld(routes, now) {
      const rows = await connection.query<{ place: number }>(routeHeldMany, [
        tenant,
        routes.map((route) => route.virtualNumber),
        routes.map((route) => route.callerKey),
        at(now),
      ]);
      return new Set(rows.map(({ place }) => place - 1));
    },
    async takeLocked(assignments) {
      const taken = assignments.flatMap(({ id, participants }) =>
        participants.map(({ virtualNumber }) => [virtualNumber, id] as const),
      );
      await connection.query(virtualNumberTakeLocked, [
        tenant,
        taken.map(([virtualNumber]) => virtualNumber),
        taken.map(([, id]) => id),
      ]);
    },
  };
}
