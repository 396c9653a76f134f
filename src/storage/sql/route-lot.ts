import { Lots } from '../lots.ts';
import type { RouteLookup, RouteStorage } from '../route-storage.ts';
import { type Database, statement, tenantScope } from './connection.ts';
import { at } from './parameters.ts';
import { LOOKUP_COLUMNS, type LookupRow, routeStatements, toFoundRoute } from './route-statements.ts';

type Question = Parameters<RouteStorage['lookup']>[0];

/** Look-ups in one statement. Beyond some fifty a longer statement is no cheaper for each. */
const SIZE_MAXIMUM = 64;
/** One that is slow does not hold all the others up. */
const CONCURRENCY = 4;
const WAITING_MAXIMUM = 10_000;

// The hot question, for many callers: the same three look-ups by primary key for each, in the order of asking. The limits
// change no answer: they keep the planner from reading whole tables and joining them, which it does while they are small.
const routeLookupLot = statement(
  'route_lookup_lot',
  `select ${LOOKUP_COLUMNS}
     from unnest($2::text[], $3::bytea[], $4::text[], $5::timestamptz[])
       with ordinality as q (virtual_number, caller_key, provider_account, now, place)
     left join lateral (
       select * from virtual_number n where n.tenant = $1 and n.virtual_number = q.virtual_number
          and n.state <> 'decommissioned' and n.withdrawn_at is null
          and (q.provider_account is null or n.provider_account = q.provider_account) limit 1) v on true
     left join lateral (
       select * from route w where w.tenant = $1 and w.virtual_number = q.virtual_number and w.caller_key = q.caller_key
          and (w.resting_until is null or w.resting_until > q.now) limit 1) r on true
     left join lateral (
       select key from participant_key o where o.tenant = $1 and o.session_id = r.session_id
          and o.participant_id = r.called_participant limit 1) k on true
    order by q.place`,
);

/** Look-ups of routes that come at one moment, in one statement. */
export function routeLots(database: Database): Lots<Question, RouteLookup> {
  return new Lots({
    together: (tenant, questions) =>
      database.run(tenantScope(tenant), async (connection) => {
        const rows = await connection.query<LookupRow>(routeLookupLot, [
          tenant,
          questions.map((question) => question.virtualNumber),
          questions.map((question) => question.callerKey),
          questions.map((question) => question.providerAccount),
          questions.map((question) => at(question.now)),
        ]);
        return rows.map((row) => ({ numberKnown: row.number_known, route: toFoundRoute(row) }));
      }),
    alone: (tenant, question) =>
      database.run(tenantScope(tenant), (connection) => routeStatements(connection, tenant).lookup(question)),
    names: () => [],
    kind: () => '',
    sizeMaximum: SIZE_MAXIMUM,
    concurrency: CONCURRENCY,
    waitingMaximum: WAITING_MAXIMUM,
  });
}
