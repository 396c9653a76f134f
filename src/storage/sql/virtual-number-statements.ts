import type { Capability, VirtualNumber, VirtualNumberState } from '../../domain/virtual-number.ts';
import type { Instant } from '../../lib/clock.ts';
import type { VirtualNumberRow, VirtualNumberStorage } from '../virtual-number-storage.ts';
import { type SqlConnection, statement } from './connection.ts';
import { at } from './parameters.ts';

const NEW_COLUMNS =
  'virtual_number, pool, provider_account, provider_number_id, capabilities, state, created_at, imported';
const COLUMNS = `${NEW_COLUMNS}, previous_webhooks, withdrawn_at`;

interface Row {
  readonly virtual_number: VirtualNumber;
  readonly pool: string;
  readonly provider_account: string;
  readonly provider_number_id: string | null;
  readonly capabilities: Capability[];
  readonly state: VirtualNumberState;
  readonly created_at: Instant;
  readonly imported: boolean;
  readonly previous_webhooks: unknown;
  readonly withdrawn_at: Instant | null;
}

// A number that was decommissioned may be bought again: it comes back as new, idle at once unless it rests.
const virtualNumberInsert = statement(
  'virtual_number_insert',
  `insert into virtual_number (tenant, ${NEW_COLUMNS}, idle_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8)
   on conflict (tenant, virtual_number) do update
     set pool = excluded.pool, provider_account = excluded.provider_account,
         provider_number_id = excluded.provider_number_id, capabilities = excluded.capabilities,
         state = excluded.state, created_at = excluded.created_at, imported = excluded.imported,
         previous_webhooks = null, withdrawn_at = null,
         idle_at = greatest(virtual_number.idle_at, excluded.idle_at)
     where virtual_number.state = 'decommissioned'
   returning virtual_number`,
);
const virtualNumberGet = statement(
  'virtual_number_get',
  `select ${COLUMNS} from virtual_number where tenant = $1 and virtual_number = $2`,
);
const virtualNumberLock = statement('virtual_number_lock', `${virtualNumberGet.text} for update`);
const virtualNumberOfAccount = statement(
  'virtual_number_of_account',
  `select ${COLUMNS} from virtual_number
    where tenant = $1 and provider_account = $2 and state <> 'decommissioned'
      and ($3::text is null or virtual_number > $3)
    order by virtual_number limit $4`,
);
const virtualNumberConfigured = statement(
  'virtual_number_configured',
  `update virtual_number set provider_number_id = $3, previous_webhooks = coalesce(previous_webhooks, $4::jsonb)
    where tenant = $1 and virtual_number = $2`,
);
const virtualNumberWithdraw = statement(
  'virtual_number_withdraw',
  `update virtual_number set state = 'suspended', withdrawn_at = coalesce(withdrawn_at, $3)
    where tenant = $1 and virtual_number = $2`,
);
// In this order only the index of calls under way can answer: one that begins with the tenant would read all its calls.
const virtualNumberOnCall = statement(
  'virtual_number_on_call',
  `with running as materialized (
     select tenant, virtual_number, caller_id from call where state in ('decided', 'ringing', 'answered')
      order by started_at)
   select exists (select 1 from running where tenant = $1 and (virtual_number = $2 or caller_id = $2)) as used`,
);
const virtualNumberList = statement(
  'virtual_number_list',
  `select ${COLUMNS} from virtual_number
    where tenant = $1 and ($2::text is null or pool = $2) and ($3::text is null or state = $3)
      and ($4::text is null or virtual_number > $4)
    order by virtual_number limit $5`,
);
const virtualNumberKnown = statement(
  'virtual_number_known',
  `select virtual_number from virtual_number
    where tenant = $1 and virtual_number = any($2) and state <> 'decommissioned'`,
);
const virtualNumberSetState = statement(
  'virtual_number_set_state',
  `update virtual_number set state = $3, withdrawn_at = case when $3 = 'suspended' then withdrawn_at end
    where tenant = $1 and virtual_number = $2`,
);
const virtualNumberSetPool = statement(
  'virtual_number_set_pool',
  'update virtual_number set pool = $3 where tenant = $1 and virtual_number = $2',
);
const virtualNumberInUse = statement(
  'virtual_number_in_use',
  `select exists (select 1 from virtual_number where tenant = $1 and virtual_number = $2
                    and (idle_at is null or idle_at > $3))
       or exists (select 1 from route where tenant = $1 and virtual_number = $2
                    and (resting_until is null or resting_until > $3))
       or exists (select 1 from route where tenant = $1 and caller_id = $2 and resting_until is null) as used`,
);

// Whether none of the callers $5 has a live or resting route on number v. One primary-key probe a caller: `offset 0` keeps
// the planner from making a join of it, for which it would read every route while it knows little of the table.
const NOBODY_KNOWS_IT = `not exists (select 1 from route r where r.tenant = $1
       and r.virtual_number = v.virtual_number and r.caller_key = any($5)
       and (r.resting_until is null or r.resting_until > $3) offset 0)`;

// Plan: index scan on virtual_number_idle from the longest idle on, a primary-key probe of route for each, stop
// at the limit. Numbers that a person has met lately are at the far end of that order, so few are passed over,
// and the cost does not grow with the pool. SKIP LOCKED lets concurrent takers pass each other. MATERIALIZED, because
// a plan that runs the choice once for each row of the update takes more than the limit.
const virtualNumberTake = statement(
  'virtual_number_take',
  `with choice as materialized (
     select v.virtual_number from virtual_number v
      where v.tenant = $1 and v.pool = $2 and v.provider_account = $8 and v.state = 'in_service' and v.idle_at <= $3
        and $4 = any(v.capabilities) and ${NOBODY_KNOWS_IT}
      order by v.idle_at, v.virtual_number limit $6
      for update skip locked)
   update virtual_number taken set idle_at = null, last_session_id = $7
     from choice
    where taken.tenant = $1 and taken.virtual_number = choice.virtual_number
   returning taken.virtual_number`,
);
const virtualNumberIdleCandidates = statement(
  'virtual_number_idle_candidates',
  `select v.virtual_number from virtual_number v
    where v.tenant = $1 and v.pool = $2 and v.provider_account = $7 and v.state = 'in_service' and v.idle_at <= $3
      and $4 = any(v.capabilities) and ${NOBODY_KNOWS_IT}
    order by v.idle_at, v.virtual_number limit $6`,
);
const virtualNumberIsCandidate = statement(
  'virtual_number_is_candidate',
  `select v.virtual_number from virtual_number v
    where v.tenant = $1 and v.virtual_number = $6 and v.pool = $2 and v.provider_account = $7 and v.state = 'in_service' and v.idle_at <= $3
      and $4 = any(v.capabilities) and ${NOBODY_KNOWS_IT}`,
);
// Locks in the order of the numbers, so that two takers cannot wait for each other in a circle.
const virtualNumberTakeThese = statement(
  'virtual_number_take_these',
  `update virtual_number taken set idle_at = null, last_session_id = $4
     from (select virtual_number from virtual_number
            where tenant = $1 and virtual_number = any($2) order by virtual_number for update) choice
    where taken.tenant = $1 and taken.virtual_number = choice.virtual_number
      and taken.state = 'in_service' and taken.idle_at <= $3
   returning taken.virtual_number`,
);

// Plan: index scan on virtual_number_first_fit, a primary-key probe of route for each; it passes over as many
// numbers as the callers hold (live or resting), which is the bound of a shared pool, and stops at the limit.
const virtualNumberSharedCandidates = statement(
  'virtual_number_shared_candidates',
  `select v.virtual_number from virtual_number v
    where v.tenant = $1 and v.pool = $2 and v.provider_account = $9 and v.state = 'in_service' and v.idle_at <= $3
      and $4 = any(v.capabilities) and ${NOBODY_KNOWS_IT}
      and exists (select 1 from participant p where p.tenant = $1 and p.caller_key = $7
                    and p.virtual_number = v.virtual_number and p.released_at is null) = $8
    order by v.position limit $6`,
);
// Whoever takes a number out of service locks its row FOR UPDATE: either that one sees the routes of this session,
// or this one sees that the number has gone. In the order of the numbers, so that nobody waits in a circle.
const virtualNumberHoldThese = statement(
  'virtual_number_hold_these',
  `select virtual_number from virtual_number
    where tenant = $1 and virtual_number = any($2) and state = 'in_service' order by virtual_number for share`,
);
const virtualNumberLastStoodFor = statement(
  'virtual_number_last_stood_for',
  `select p.virtual_number from participant p
     join virtual_number v on v.tenant = p.tenant and v.virtual_number = p.virtual_number
    where p.tenant = $1 and p.caller_key = $3 and p.virtual_number is not null and v.pool = $2
    order by p.session_id desc limit 1`,
);
const virtualNumberRest = statement(
  'virtual_number_rest',
  `update virtual_number resting set idle_at = $3
     from (select virtual_number from virtual_number
            where tenant = $1 and virtual_number = any($2) and last_session_id = $4
            order by virtual_number for update) choice
    where resting.tenant = $1 and resting.virtual_number = choice.virtual_number`,
);
const virtualNumberCountHeld = statement(
  'virtual_number_count_held',
  `select count(*)::int as count from virtual_number where tenant = $1 and pool = $2 and state <> 'decommissioned'`,
);

export function virtualNumberStatements(connection: SqlConnection, tenant: string): VirtualNumberStorage {
  const numbers = async (...query: Parameters<SqlConnection['query']>): Promise<VirtualNumber[]> => {
    const rows = await connection.query<{ virtual_number: VirtualNumber }>(...query);
    return rows.map((row) => row.virtual_number);
  };
  return {
    async insert(row) {
      const inserted = await numbers(virtualNumberInsert, [
        tenant,
        row.virtualNumber,
        row.pool,
        row.providerAccount,
        row.providerNumberId,
        row.capabilities,
        row.state,
        at(row.createdAt),
        row.imported ?? false,
      ]);
      return inserted.length > 0;
    },
    async get(virtualNumber) {
      const [row] = await connection.query<Row>(virtualNumberGet, [tenant, virtualNumber]);
      return row ? toVirtualNumberRow(row) : null;
    },
    async lock(virtualNumber) {
      const [row] = await connection.query<Row>(virtualNumberLock, [tenant, virtualNumber]);
      return row ? toVirtualNumberRow(row) : null;
    },
    async ofAccount(providerAccount, page) {
      const values = [tenant, providerAccount, page.after, page.limit];
      return (await connection.query<Row>(virtualNumberOfAccount, values)).map(toVirtualNumberRow);
    },
    async configured(virtualNumber, providerNumberId, previousWebhooks) {
      const previous = previousWebhooks == null ? null : JSON.stringify(previousWebhooks);
      await connection.query(virtualNumberConfigured, [tenant, virtualNumber, providerNumberId, previous]);
    },
    async withdraw(virtualNumber, withdrawnAt) {
      await connection.query(virtualNumberWithdraw, [tenant, virtualNumber, at(withdrawnAt)]);
    },
    async onCall(virtualNumber) {
      const [row] = await connection.query<{ used: boolean }>(virtualNumberOnCall, [tenant, virtualNumber]);
      return row?.used ?? false;
    },
    async list(filter, page) {
      const rows = await connection.query<Row>(virtualNumberList, [
        tenant,
        filter.pool,
        filter.state,
        page.after,
        page.limit,
      ]);
      return rows.map(toVirtualNumberRow);
    },
    async known(e164) {
      return new Set(await numbers(virtualNumberKnown, [tenant, e164]));
    },
    async setState(virtualNumber, state) {
      await connection.query(virtualNumberSetState, [tenant, virtualNumber, state]);
    },
    async setPool(virtualNumber, pool) {
      await connection.query(virtualNumberSetPool, [tenant, virtualNumber, pool]);
    },
    async inUse(virtualNumber, now) {
      const [row] = await connection.query<{ used: boolean }>(virtualNumberInUse, [
        tenant,
        virtualNumber,
        at(now),
      ]);
      return row?.used ?? false;
    },
    take: (s, sessionId) =>
      numbers(virtualNumberTake, [
        tenant,
        s.pool,
        at(s.now),
        s.capability,
        s.callerKeys,
        s.limit,
        sessionId,
        s.providerAccount,
      ]),
    idleCandidates: (s) =>
      numbers(virtualNumberIdleCandidates, [
        tenant,
        s.pool,
        at(s.now),
        s.capability,
        s.callerKeys,
        s.limit,
        s.providerAccount,
      ]),
    async takeThese(virtualNumbers, sessionId, now) {
      const taken = await numbers(virtualNumberTakeThese, [tenant, virtualNumbers, at(now), sessionId]);
      return taken.length === virtualNumbers.length;
    },
    async isCandidate(virtualNumber, s) {
      const values = [
        tenant,
        s.pool,
        at(s.now),
        s.capability,
        s.callerKeys,
        virtualNumber,
        s.providerAccount,
      ];
      return (await numbers(virtualNumberIsCandidate, values)).length > 0;
    },
    async sharedCandidates(s) {
      const values = [tenant, s.pool, at(s.now), s.capability, s.callerKeys, s.limit, s.standingFor];
      const fresh = await numbers(virtualNumberSharedCandidates, [...values, false, s.providerAccount]);
      if (fresh.length >= s.limit) return fresh;
      return [
        ...fresh,
        ...(await numbers(virtualNumberSharedCandidates, [...values, true, s.providerAccount])),
      ];
    },
    async holdThese(virtualNumbers) {
      const held = await numbers(virtualNumberHoldThese, [tenant, virtualNumbers]);
      return held.length === virtualNumbers.length;
    },
    async lastStoodFor(pool, person) {
      const [last] = await numbers(virtualNumberLastStoodFor, [tenant, pool, person]);
      return last ?? null;
    },
    async rest(sessionId, virtualNumbers, idleAt) {
      await connection.query(virtualNumberRest, [tenant, virtualNumbers, at(idleAt), sessionId]);
    },
    async countHeld(pool) {
      const [row] = await connection.query<{ count: number }>(virtualNumberCountHeld, [tenant, pool]);
      return row?.count ?? 0;
    },
  };
}

function toVirtualNumberRow(row: Row): VirtualNumberRow {
  return {
    virtualNumber: row.virtual_number,
    pool: row.pool,
    providerAccount: row.provider_account,
    providerNumberId: row.provider_number_id,
    capabilities: row.capabilities,
    state: row.state,
    createdAt: row.created_at,
    // Before this was noted, a number without a provider's id was one that was imported.
    imported: row.imported || row.provider_number_id === null,
    previousWebhooks: row.previous_webhooks,
    withdrawnAt: row.withdrawn_at,
  };
}
