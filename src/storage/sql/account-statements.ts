import type { Instant } from '../../lib/clock.ts';
import { StorageError } from '../storage-error.ts';
import type {
  AccountBudget,
  ApiKeyRow,
  ApiKeyStorage,
  ProviderAccountRow,
  ProviderAccountStorage,
} from '../storage.ts';
import { type SqlConnection, statement } from './connection.ts';
import { at, atOrNull } from './parameters.ts';

/** Provider accounts and API keys: what is looked up before a tenant is known, and what a tenant owns of it. */
export const ACCOUNT_COLUMNS = 'tenant, id, name, provider, settings, sealed_credentials';

export interface AccountColumns {
  readonly tenant: string;
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  readonly settings: unknown;
  readonly sealed_credentials: Uint8Array;
}

export function toProviderAccountRow(row: AccountColumns): ProviderAccountRow {
  return {
    tenant: row.tenant,
    id: row.id,
    name: row.name,
    provider: row.provider,
    settings: row.settings,
    sealedCredentials: row.sealed_credentials,
  };
}

export const API_KEY_COLUMNS =
  'tenant, id, name, scopes, expires_at, revoked_at, allowed_addresses::text[] as allowed_addresses, last_used_at';

export interface ApiKeyColumns {
  readonly tenant: string;
  readonly id: string;
  readonly name: string;
  readonly scopes: string[];
  readonly expires_at: Instant | null;
  readonly revoked_at: Instant | null;
  readonly allowed_addresses: string[];
  readonly last_used_at: Instant | null;
}

export function toApiKeyRow(row: ApiKeyColumns): ApiKeyRow {
  return {
    tenant: row.tenant,
    id: row.id,
    name: row.name,
    scopes: row.scopes,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    allowedAddresses: row.allowed_addresses,
    lastUsedAt: row.last_used_at,
  };
}

// A name that was removed may be taken again. Any other conflict inserts nothing, and the caller sees it.
const providerAccountInsert = statement(
  'provider_account_insert',
  `insert into provider_account (tenant, id, name, provider, settings, sealed_credentials, created_at)
   values ($1, $2, $3, $4, $5::jsonb, $6, $7)
   on conflict (tenant, name) do update
     set id = excluded.id, provider = excluded.provider, settings = excluded.settings,
         sealed_credentials = excluded.sealed_credentials, created_at = excluded.created_at,
         monthly_purchase_max = null, monthly_churn_max = null, removed_at = null
     where provider_account.removed_at is not null
   returning id`,
);
const providerAccountUpdate = statement(
  'provider_account_update',
  'update provider_account set settings = $3::jsonb, sealed_credentials = $4 where tenant = $1 and name = $2',
);
const providerAccountGet = statement(
  'provider_account_get',
  `select ${ACCOUNT_COLUMNS} from provider_account where tenant = $1 and name = $2 and removed_at is null`,
);
const providerAccountListOwn = statement(
  'provider_account_list_own',
  `select ${ACCOUNT_COLUMNS} from provider_account where tenant = $1 and removed_at is null order by name`,
);
const providerAccountLockBudget = statement(
  'provider_account_lock_budget',
  `select monthly_purchase_max as "monthlyPurchaseMax", monthly_churn_max as "monthlyChurnMax"
     from provider_account where tenant = $1 and name = $2 for update`,
);
const providerAccountSetBudget = statement(
  'provider_account_set_budget',
  'update provider_account set monthly_purchase_max = $3, monthly_churn_max = $4 where tenant = $1 and name = $2',
);
const providerAccountUses = statement(
  'provider_account_uses',
  `select coalesce(array_agg(name order by name), '{}') as pools,
          (select count(*)::int from virtual_number
            where tenant = $1 and provider_account = $2 and state <> 'decommissioned') as numbers
     from pool where tenant = $1 and (stock_provider_account = $2 or $2 = any(stock_fallback_accounts))`,
);
const providerAccountRemove = statement(
  'provider_account_remove',
  `update provider_account set removed_at = $3, sealed_credentials = '', settings = '{}', provider = 'removed'
    where tenant = $1 and name = $2`,
);
const apiKeyInsert = statement(
  'api_key_insert',
  `insert into api_key (tenant, id, name, key_hash, scopes, created_at, expires_at, revoked_at,
       allowed_addresses)
   values ($1, $2, $3, $4, $5, $6, $7, $8, 
       (select coalesce(array_agg(network(a::inet)), '{}') from unnest($9::text[]) as given (a)))`,
);
const apiKeyRevoke = statement(
  'api_key_revoke',
  'update api_key set revoked_at = $3 where tenant = $1 and id = $2 and revoked_at is null returning id',
);
const apiKeyUsed = statement(
  'api_key_used',
  'update api_key set last_used_at = $3 where tenant = $1 and id = $2 and (last_used_at is null or last_used_at < $3)',
);
const apiKeyList = statement(
  'api_key_list',
  `select ${API_KEY_COLUMNS} from api_key where tenant = $1 order by id`,
);

export function providerAccountStatements(connection: SqlConnection, tenant: string): ProviderAccountStorage {
  return {
    async insert(account, createdAt) {
      const inserted = await connection.query(providerAccountInsert, [
        tenant,
        account.id,
        account.name,
        account.provider,
        JSON.stringify(account.settings),
        account.sealedCredentials,
        at(createdAt),
      ]);
      if (inserted.length === 0) {
        throw new StorageError('constraint', 'There is a provider account by that name already.', {
          constraint: 'provider_account_pkey',
        });
      }
    },
    async update(account) {
      const settings = JSON.stringify(account.settings);
      await connection.query(providerAccountUpdate, [
        tenant,
        account.name,
        settings,
        account.sealedCredentials,
      ]);
    },
    async get(name) {
      const [row] = await connection.query<AccountColumns>(providerAccountGet, [tenant, name]);
      return row ? toProviderAccountRow(row) : null;
    },
    async list() {
      return (await connection.query<AccountColumns>(providerAccountListOwn, [tenant])).map(
        toProviderAccountRow,
      );
    },
    async lockBudget(name) {
      const [row] = await connection.query<AccountBudget>(providerAccountLockBudget, [tenant, name]);
      return row ?? null;
    },
    async setBudget(name, { monthlyPurchaseMax, monthlyChurnMax }) {
      await connection.query(providerAccountSetBudget, [tenant, name, monthlyPurchaseMax, monthlyChurnMax]);
    },
    async uses(name) {
      const [row] = await connection.query<{ pools: string[]; numbers: number }>(providerAccountUses, [
        tenant,
        name,
      ]);
      return row ?? { pools: [], numbers: 0 };
    },
    async remove(name, removedAt) {
      await connection.query(providerAccountRemove, [tenant, name, at(removedAt)]);
    },
  };
}

export function apiKeyStatements(connection: SqlConnection, tenant: string): ApiKeyStorage {
  return {
    async insert(key, createdAt) {
      await connection.query(apiKeyInsert, [
        tenant,
        key.id,
        key.name,
        key.hash,
        key.scopes,
        at(createdAt),
        atOrNull(key.expiresAt),
        atOrNull(key.revokedAt),
        key.allowedAddresses ?? [],
      ]);
    },
    async used(id, usedAt) {
      await connection.query(apiKeyUsed, [tenant, id, at(usedAt)]);
    },
    async revoke(id, revokedAt) {
      return (await connection.query(apiKeyRevoke, [tenant, id, at(revokedAt)])).length > 0;
    },
    async list() {
      return (await connection.query<ApiKeyColumns>(apiKeyList, [tenant])).map(toApiKeyRow);
    },
  };
}
