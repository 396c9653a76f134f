import type { DestinationRule } from '../../domain/destination.ts';
import type { AttestationPolicy, Pool, PoolMode, Selection, StepUp, StockNow } from '../../domain/pool.ts';
import type { PoolStorage } from '../storage.ts';
import { type SqlConnection, statement } from './connection.ts';
import { at } from './parameters.ts';

const COLUMNS = `name, mode, selection, countries, number_quarantine_seconds, pair_quarantine_seconds,
  grace_seconds, session_ttl_seconds, ring_timeout_seconds, max_call_seconds,
  stock_provider_account, stock_low_water, stock_target, stock_max, stock_fallback_accounts,
  attestation, recording_consent, attachments, mask_numbers, step_up, concurrent_calls_max, hourly_attempts_max,
  total_talk_seconds_max, verification_max_age_seconds, destinations, messages_per_minute_max, messages_per_day_max`;

interface PoolRow {
  readonly name: string;
  readonly mode: PoolMode;
  readonly selection: Selection;
  readonly countries: string[];
  readonly number_quarantine_seconds: number;
  readonly pair_quarantine_seconds: number;
  readonly grace_seconds: number;
  readonly session_ttl_seconds: number;
  readonly ring_timeout_seconds: number;
  readonly max_call_seconds: number;
  readonly stock_provider_account: string | null;
  readonly stock_low_water: number | null;
  readonly stock_target: number | null;
  readonly stock_max: number | null;
  readonly stock_fallback_accounts: string[];
  readonly attestation: AttestationPolicy;
  readonly recording_consent: string | null;
  readonly attachments: boolean;
  readonly mask_numbers: boolean;
  readonly step_up: StepUp;
  readonly concurrent_calls_max: number;
  readonly hourly_attempts_max: number;
  readonly total_talk_seconds_max: number;
  readonly verification_max_age_seconds: number | null;
  readonly destinations: DestinationRule;
  readonly messages_per_minute_max: number;
  readonly messages_per_day_max: number;
}

const poolInsert = statement(
  'pool_insert',
  `insert into pool (tenant, ${COLUMNS}, created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
     $23, $24, $25, $26::jsonb, $27, $28, $29)`,
);
const poolGet = statement('pool_get', `select ${COLUMNS} from pool where tenant = $1 and name = $2`);
const poolLock = statement(
  'pool_lock',
  `select ${COLUMNS} from pool where tenant = $1 and name = $2 for no key update`,
);
const poolList = statement(
  'pool_list',
  `select ${COLUMNS} from pool where tenant = $1 and ($2::text is null or name > $2) order by name limit $3`,
);
const poolUpdate = statement(
  'pool_update',
  `update pool set mode = $3, selection = $4, countries = $5, number_quarantine_seconds = $6,
     pair_quarantine_seconds = $7, grace_seconds = $8, session_ttl_seconds = $9, ring_timeout_seconds = $10,
     max_call_seconds = $11, stock_provider_account = $12, stock_low_water = $13, stock_target = $14, stock_max = $15,
     stock_fallback_accounts = $16, attestation = $17, recording_consent = $18, attachments = $19, mask_numbers = $20,
     step_up = $21, concurrent_calls_max = $22, hourly_attempts_max = $23, total_talk_seconds_max = $24,
     verification_max_age_seconds = $25, destinations = $26::jsonb, messages_per_minute_max = $27,
     messages_per_day_max = $28
   where tenant = $1 and name = $2`,
);

// Counts the whole pool: for people and for stock keeping, never on the way of an assignment. In a shared pool
// `allocated` are the numbers with a live route, and the rest of those in service counts as idle.
const poolStockNow = statement(
  'pool_stock_now',
  `select state, case
       when exists (select 1 from participant p where p.tenant = v.tenant and p.virtual_number = v.virtual_number
                      and p.exclusive and p.released_at is null) then 'allocated'
       when v.idle_at is null then 'allocated'
       when m.mode = 'shared' and exists (select 1 from route r where r.tenant = v.tenant
                      and r.virtual_number = v.virtual_number and r.resting_until is null) then 'allocated'
       when v.idle_at > $3 then 'resting'
       else 'idle' end as use, count(*)::int as count
     from virtual_number v join pool m on m.tenant = v.tenant and m.name = v.pool
    where v.tenant = $1 and v.pool = $2 and v.state <> 'decommissioned'
    group by 1, 2`,
);

// One probe of the partial index for each account of the pool, however many numbers each has (a loose scan).
const poolAccounts = statement(
  'pool_accounts',
  `with recursive account as (
     (select provider_account from virtual_number
       where tenant = $1 and pool = $2 and state = 'in_service' order by provider_account limit 1)
     union all
     select (select v.provider_account from virtual_number v
              where v.tenant = $1 and v.pool = $2 and v.state = 'in_service'
                and v.provider_account > account.provider_account order by v.provider_account limit 1)
       from account where account.provider_account is not null)
   select provider_account as name from account where provider_account is not null`,
);

// Stops at $4 rows of the partial index for each account, so its cost does not grow with the pool.
const poolSpare = statement(
  'pool_spare',
  `select count(*)::int as count from unnest($5::text[]) as account (name)
     cross join lateral (
       select 1 from virtual_number
        where tenant = $1 and pool = $2 and provider_account = account.name and state = 'in_service' and idle_at <= $3
        limit $4) spare
    group by account.name`,
);

const poolInUse = statement(
  'pool_in_use',
  `select exists (select 1 from session where tenant = $1 and pool = $2 and state <> 'closed')
       or exists (select 1 from virtual_number where tenant = $1 and pool = $2 and (idle_at is null or idle_at > $3))
       or exists (select 1 from route r join virtual_number v using (tenant, virtual_number)
                   where r.tenant = $1 and v.pool = $2 and (r.resting_until is null or r.live_until > $3)) as used`,
);

export function poolStatements(connection: SqlConnection, tenant: string): PoolStorage {
  const accounts = async (pool: string): Promise<string[]> =>
    (await connection.query<{ name: string }>(poolAccounts, [tenant, pool])).map((row) => row.name);
  return {
    async insert(pool, createdAt) {
      await connection.query(poolInsert, [tenant, ...poolValues(pool), at(createdAt)]);
    },
    async get(name) {
      const [row] = await connection.query<PoolRow>(poolGet, [tenant, name]);
      return row ? toPool(row) : null;
    },
    async lock(name) {
      const [row] = await connection.query<PoolRow>(poolLock, [tenant, name]);
      return row ? toPool(row) : null;
    },
    async list(page) {
      const rows = await connection.query<PoolRow>(poolList, [tenant, page.after, page.limit]);
      return rows.map(toPool);
    },
    async update(pool) {
      await connection.query(poolUpdate, [tenant, ...poolValues(pool)]);
    },
    async stockNow(pool, now) {
      const rows = await connection.query<{ state: string; use: string; count: number }>(poolStockNow, [
        tenant,
        pool,
        at(now),
      ]);
      return toStockNow(rows);
    },
    accounts,
    async spare(pool, now, limit) {
      const values = [tenant, pool, at(now), limit, await accounts(pool)];
      return (await connection.query<{ count: number }>(poolSpare, values)).map((row) => row.count);
    },
    async inUse(pool, now) {
      const [row] = await connection.query<{ used: boolean }>(poolInUse, [tenant, pool, at(now)]);
      return row?.used ?? false;
    },
  };
}

/** `allocated` and `resting` count numbers of any state; the others are as INV-07 wants them: no number in two. */
function toStockNow(rows: readonly { state: string; use: string; count: number }[]): StockNow {
  const sum = (matches: (row: { state: string; use: string }) => boolean): number =>
    rows.filter(matches).reduce((total, row) => total + row.count, 0);
  return {
    inService: sum((row) => row.state === 'in_service'),
    idle: sum((row) => row.state === 'in_service' && row.use === 'idle'),
    allocated: sum((row) => row.use === 'allocated'),
    resting: sum((row) => row.use === 'resting'),
    reserved: sum((row) => row.state === 'reserved' && row.use === 'idle'),
    draining: sum((row) => row.state === 'draining' && row.use === 'idle'),
    suspended: sum((row) => row.state === 'suspended' && row.use === 'idle'),
  };
}

function poolValues(pool: Pool): unknown[] {
  return [
    pool.name,
    pool.mode,
    pool.selection,
    pool.countries,
    pool.numberQuarantineSeconds,
    pool.pairQuarantineSeconds,
    pool.graceSeconds,
    pool.sessionTtlSeconds,
    pool.ringTimeoutSeconds,
    pool.maxCallSeconds,
    pool.stock?.providerAccount ?? null,
    pool.stock?.lowWater ?? null,
    pool.stock?.target ?? null,
    pool.stock?.max ?? null,
    pool.stock?.fallbackAccounts ?? [],
    pool.attestation,
    pool.recording?.consent ?? null,
    pool.attachments,
    pool.maskNumbersInMessages,
    pool.stepUp,
    pool.concurrentCallsMax,
    pool.hourlyAttemptsMax,
    pool.totalTalkSecondsMax,
    pool.verificationMaxAgeSeconds,
    JSON.stringify(pool.destinations),
    pool.messagesPerMinuteMax,
    pool.messagesPerDayMax,
  ];
}

function toPool(row: PoolRow): Pool {
  return {
    name: row.name,
    mode: row.mode,
    selection: row.selection,
    countries: row.countries,
    numberQuarantineSeconds: row.number_quarantine_seconds,
    pairQuarantineSeconds: row.pair_quarantine_seconds,
    graceSeconds: row.grace_seconds,
    sessionTtlSeconds: row.session_ttl_seconds,
    ringTimeoutSeconds: row.ring_timeout_seconds,
    maxCallSeconds: row.max_call_seconds,
    stock:
      row.stock_provider_account === null
        ? null
        : {
            providerAccount: row.stock_provider_account,
            fallbackAccounts: row.stock_fallback_accounts,
            lowWater: row.stock_low_water ?? 0,
            target: row.stock_target ?? 0,
            max: row.stock_max ?? 0,
          },
    attestation: row.attestation,
    recording: row.recording_consent === null ? null : { consent: row.recording_consent },
    attachments: row.attachments,
    maskNumbersInMessages: row.mask_numbers,
    stepUp: row.step_up,
    concurrentCallsMax: row.concurrent_calls_max,
    hourlyAttemptsMax: row.hourly_attempts_max,
    totalTalkSecondsMax: row.total_talk_seconds_max,
    verificationMaxAgeSeconds: row.verification_max_age_seconds,
    destinations: row.destinations,
    messagesPerMinuteMax: row.messages_per_minute_max,
    messagesPerDayMax: row.messages_per_day_max,
  };
}
