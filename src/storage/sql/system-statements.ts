import type { Instant } from '../../lib/clock.ts';
import type { SystemStorage } from '../storage.ts';
import {
  ACCOUNT_COLUMNS,
  API_KEY_COLUMNS,
  type AccountColumns,
  type ApiKeyColumns,
  toApiKeyRow,
  toProviderAccountRow,
} from './account-statements.ts';
import { stopBlockedLately } from './block-statements.ts';
import { CALL_ENDS_BY } from './call-columns.ts';
import { type Database, type SqlConnection, type Statement, statement, systemScope } from './connection.ts';
import { countOutbox, deleteOutbox, listOutbox } from './event-statements.ts';
import { at } from './parameters.ts';
import { expunge } from './retention-statements.ts';

const tenantInsert = statement(
  'tenant_insert',
  'insert into tenant (tenant, name, created_at) values ($1, $2, $3) on conflict do nothing',
);
const tenantList = statement('tenant_list', 'select tenant from tenant order by tenant');
const apiKeyByHash = statement(
  'api_key_by_hash',
  `select ${API_KEY_COLUMNS} from api_key where key_hash = $1`,
);
const providerAccountById = statement(
  'provider_account_by_id',
  `select ${ACCOUNT_COLUMNS} from provider_account where id = $1 and removed_at is null`,
);
const providerAccountList = statement(
  'provider_account_list',
  `select ${ACCOUNT_COLUMNS} from provider_account where removed_at is null order by tenant, name`,
);
const poolNames = statement('pool_names', 'select tenant, name as pool from pool order by tenant, name');
const sessionExpired = statement(
  'session_expired',
  `select tenant, id, reference from session where state <> 'closed' and expires_at <= $1 order by expires_at limit $2`,
);
const poolsWithPending = statement(
  'pools_with_pending',
  `select distinct tenant, pool from session where state = 'pending'`,
);
const callOverdue = statement(
  'call_overdue',
  `select tenant, id from call
    where state in ('decided', 'ringing', 'answered')
      and ${CALL_ENDS_BY} <= $1
    order by started_at limit $2`,
);
const callQuiet = statement(
  'call_quiet',
  `select tenant, id, provider_account as "providerAccount", provider_call_id as "providerCallId" from call
    where state in ('decided', 'ringing', 'answered') and started_at <= $1
      and (checked_at is null or checked_at <= $1)
    order by coalesce(checked_at, started_at) limit $2`,
);
const trimRoutes = statement(
  'trim_routes',
  `delete from route where (tenant, virtual_number, caller_key) in
     (select tenant, virtual_number, caller_key from route where resting_until <= $1 limit $2) returning 1`,
);
const trimInbox = statement(
  'trim_inbox',
  `delete from inbox where (tenant, source, event_id) in
     (select tenant, source, event_id from inbox where received_at <= $1 limit $2) returning 1`,
);
const trimIdempotency = statement(
  'trim_idempotency',
  `delete from idempotency where (tenant, api_key_id, key) in
     (select tenant, api_key_id, key from idempotency where expires_at <= $1 limit $2) returning 1`,
);
// A day is what both are about at the longest; two are kept.
const TWO_DAYS_MS = 2 * 86_400_000;
const trimCallIntents = statement(
  'trim_call_intents',
  `delete from call_intent where (tenant, id) in
     (select tenant, id from call_intent where expires_at <= $1 limit $2) returning 1`,
);
const trimPinLocks = statement(
  'trim_pin_locks',
  `delete from pin_lock where (tenant, virtual_number, session_id) in
     (select tenant, virtual_number, session_id from pin_lock where since <= $1 limit $2) returning 1`,
);
const leaseAcquire = statement(
  'lease_acquire',
  `insert into lease (name, holder, held_until) values ($1, $2, $4)
   on conflict (name) do update set holder = excluded.holder, held_until = excluded.held_until
     where lease.holder = excluded.holder or lease.held_until <= $3
   returning name`,
);
const leaseRelease = statement('lease_release', 'delete from lease where name = $1 and holder = $2');
const ping = statement('ping', 'select 1 as one');
export function systemStatements(database: Database): SystemStorage {
  const query = <Row>(one: Statement, values: readonly unknown[] = []): Promise<readonly Row[]> =>
    database.run(systemScope, (connection: SqlConnection) => connection.query<Row>(one, values));
  return {
    async tenantInsert(tenant, name, createdAt) {
      await query(tenantInsert, [tenant, name, at(createdAt)]);
    },
    async tenantList() {
      return (await query<{ tenant: string }>(tenantList)).map((row) => row.tenant);
    },
    async apiKeyByHash(hash) {
      const [row] = await query<ApiKeyColumns>(apiKeyByHash, [hash]);
      return row ? toApiKeyRow(row) : null;
    },
    async providerAccountById(id) {
      const [row] = await query<AccountColumns>(providerAccountById, [id]);
      return row ? toProviderAccountRow(row) : null;
    },
    async providerAccountList() {
      return (await query<AccountColumns>(providerAccountList)).map(toProviderAccountRow);
    },
    poolList: () => query(poolNames),
    expiredSessions: (now: Instant, limit: number) => query(sessionExpired, [at(now), limit]),
    pendingPools: () => query(poolsWithPending),
    overdueCalls: (now: Instant, limit: number) => query(callOverdue, [at(now), limit]),
    quietCalls: (before: Instant, limit: number) => query(callQuiet, [at(before), limit]),
    outboxOldest: (limit) => database.run(systemScope, (connection) => listOutbox(connection, limit)),
    outboxDelete: (ids) => database.run(systemScope, (connection) => deleteOutbox(connection, ids)),
    async leaseAcquire(name, holder, now, until) {
      return (await query(leaseAcquire, [name, holder, at(now), at(until)])).length > 0;
    },
    async leaseRelease(name, holder) {
      await query(leaseRelease, [name, holder]);
    },
    stopBlockedLately: (since, now) => stopBlockedLately(database, since, now),
    outboxSize: () => database.run(systemScope, countOutbox),
    async trim(before, limit) {
      const routes = await query(trimRoutes, [at(before.routes), limit]);
      const inbox = await query(trimInbox, [at(before.inbox), limit]);
      const idempotency = await query(trimIdempotency, [at(before.idempotency), limit]);
      const past = [at(before.routes - TWO_DAYS_MS), limit];
      const intents = await query(trimCallIntents, past);
      const pinLocks = await query(trimPinLocks, past);
      return routes.length + inbox.length + idempotency.length + intents.length + pinLocks.length;
    },
    expunge: (kind, before, limit) =>
      database.transaction(systemScope, (connection) => expunge(connection, kind, before, limit)),
    async ping() {
      await query(ping);
    },
  };
}
