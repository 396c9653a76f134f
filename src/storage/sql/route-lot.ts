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

// The hot question, for many callers: the same three look-ups by primary key for each, in the order of asking.
const routeLookupLot = statement(
  'route_lookup_lot',
  `select ${LOOKUP_COLUMNS}
     from unnest($2::text[], $3::bytea[], $4::text[], $5::timestamptz[])
       with ordinality as q (virtual_number, caller_key, provider_account, now, place)
     left join virtual_number v on v.tenant = $1 and v.virtual_number = q.virtual_number
       and v.state <> 'decommissioned' and v.withdrawn_at is null
       and (q.provider_account is null or v.provider_account = q.provider_account)
     left join route r on r.tenant = $1 and r.virtual_number = q.virtual_number and r.caller_key = q.caller_key
       and (r.resting_until is null or r.resting_until > q.now)
     left join participant_key k on k.tenant = $1 and k.session_id = r.session_id
       and k.participant_id = r.called_participant
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
