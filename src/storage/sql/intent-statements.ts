import type { VirtualNumber } from '../../domain/virtual-number.ts';
import type { Instant } from '../../lib/clock.ts';
import type { IntentRow, IntentStorage, SpentByAccount } from '../intent-storage.ts';
import type { IdempotencyStorage } from '../storage.ts';
import { type SqlConnection, statement } from './connection.ts';
import { at } from './parameters.ts';

const INTENT_COLUMNS =
  'id, kind, provider_account, pool, virtual_number, state, created_at, updated_at, attempts';

interface IntentColumns {
  readonly id: string;
  readonly kind: IntentRow['kind'];
  readonly provider_account: string;
  readonly pool: string;
  readonly virtual_number: VirtualNumber;
  readonly state: IntentRow['state'];
  readonly created_at: Instant;
  readonly updated_at: Instant;
  readonly attempts: number;
}

const intentInsert = statement(
  'intent_insert',
  `insert into intent (tenant, id, kind, provider_account, pool, virtual_number, state, created_at, updated_at, attempts)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
   on conflict (tenant, provider_account, virtual_number) where state in ('planned', 'asked') do nothing
   returning id`,
);
const intentSetState = statement(
  'intent_set_state',
  `update intent set state = $3, updated_at = $4, last_error = $5,
          attempts = attempts + case when $3 = 'asked' then 1 else 0 end
    where tenant = $1 and id = $2`,
);
const intentUnsettled = statement(
  'intent_unsettled_list',
  `select ${INTENT_COLUMNS} from intent
    where tenant = $1 and provider_account = $2 and state in ('planned', 'asked') order by created_at, id limit $3`,
);
const intentOpenFor = statement(
  'intent_open_for',
  `select ${INTENT_COLUMNS} from intent
    where tenant = $1 and provider_account = $2 and virtual_number = $3 and state in ('planned', 'asked')`,
);
const intentCountUnsettled = statement(
  'intent_count_unsettled',
  `select provider_account, count(*)::int as count from intent
    where tenant = $1 and pool = $2 and kind = 'provision' and state in ('planned', 'asked') group by 1`,
);
const intentSpent = statement(
  'intent_spent',
  `select count(*) filter (where kind = 'provision')::int as purchases,
          count(*) filter (where kind = 'decommission')::int as decommissions,
          count(*) filter (where state = 'failed')::int as unconfirmed
     from intent where tenant = $1 and provider_account = $2 and created_at > $3
      and (state <> 'failed' or last_error = 'not_bought')`,
);
const intentGivenUp = statement(
  'intent_given_up',
  `select distinct on (virtual_number) ${INTENT_COLUMNS} from intent
    where tenant = $1 and provider_account = $2 and virtual_number = any($3) and kind = 'provision'
      and state = 'failed' and last_error = 'not_bought'
    order by virtual_number, id desc`,
);

export function intentStatements(connection: SqlConnection, tenant: string): IntentStorage {
  return {
    async insert(intent) {
      const rows = await connection.query(intentInsert, [
        tenant,
        intent.id,
        intent.kind,
        intent.providerAccount,
        intent.pool,
        intent.virtualNumber,
        intent.state,
        at(intent.createdAt),
        at(intent.updatedAt),
        intent.attempts,
      ]);
      return rows.length > 0;
    },
    async setState(id, state, updatedAt, error) {
      await connection.query(intentSetState, [tenant, id, state, at(updatedAt), error]);
    },
    async unsettled(providerAccount, limit) {
      const rows = await connection.query<IntentColumns>(intentUnsettled, [tenant, providerAccount, limit]);
      return rows.map(toIntentRow);
    },
    async openFor(providerAccount, virtualNumber) {
      const [row] = await connection.query<IntentColumns>(intentOpenFor, [
        tenant,
        providerAccount,
        virtualNumber,
      ]);
      return row ? toIntentRow(row) : null;
    },
    async givenUp(providerAccount, virtualNumbers) {
      const values = [tenant, providerAccount, virtualNumbers];
      return (await connection.query<IntentColumns>(intentGivenUp, values)).map(toIntentRow);
    },
    async countUnsettled(pool) {
      type Row = { provider_account: string; count: number };
      const rows = await connection.query<Row>(intentCountUnsettled, [tenant, pool]);
      return new Map(rows.map((row) => [row.provider_account, row.count]));
    },
    async spent(providerAccount, since) {
      const [row] = await connection.query<SpentByAccount>(intentSpent, [tenant, providerAccount, at(since)]);
      return row ?? { purchases: 0, decommissions: 0, unconfirmed: 0 };
    },
  };
}

function toIntentRow(row: IntentColumns): IntentRow {
  return {
    id: row.id,
    kind: row.kind,
    providerAccount: row.provider_account,
    pool: row.pool,
    virtualNumber: row.virtual_number,
    state: row.state,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    attempts: row.attempts,
  };
}

const idempotencyBegin = statement(
  'idempotency_begin',
  `insert into idempotency (tenant, key, api_key_id, request_hash, created_at, expires_at)
   values ($1, $2, $3, $4, $5, $6)
   on conflict (tenant, api_key_id, key) do update
     set request_hash = excluded.request_hash, status = null, body = null,
         created_at = excluded.created_at, expires_at = excluded.expires_at
     where idempotency.expires_at <= $5
   returning key`,
);
const idempotencyGet = statement(
  'idempotency_get',
  `select request_hash, status, body, created_at from idempotency
    where tenant = $1 and key = $2 and api_key_id = $3`,
);
const idempotencyFinish = statement(
  'idempotency_finish',
  'update idempotency set status = $4, body = $5 where tenant = $1 and api_key_id = $2 and key = $3',
);
const idempotencyForget = statement(
  'idempotency_forget',
  'delete from idempotency where tenant = $1 and api_key_id = $2 and key = $3 and status is null',
);

export function idempotencyStatements(connection: SqlConnection, tenant: string): IdempotencyStorage {
  return {
    async begin({ apiKeyId, key, hash, now, expiresAt }) {
      const values = [tenant, key, apiKeyId, hash, at(now), at(expiresAt)];
      const begun = await connection.query(idempotencyBegin, values);
      if (begun.length > 0) return null;
      const [row] = await connection.query<{
        request_hash: Uint8Array;
        status: number | null;
        body: string | null;
        created_at: Instant;
      }>(idempotencyGet, [tenant, key, apiKeyId]);
      // Gone between the two statements: the other was forgotten. Whoever asks again is the first.
      if (!row) return { hash, status: null, body: null, createdAt: now };
      return { hash: row.request_hash, status: row.status, body: row.body, createdAt: row.created_at };
    },
    async finish(apiKeyId, key, status, body) {
      await connection.query(idempotencyFinish, [tenant, apiKeyId, key, status, body]);
    },
    async forget(apiKeyId, key) {
      await connection.query(idempotencyForget, [tenant, apiKeyId, key]);
    },
  };
}
