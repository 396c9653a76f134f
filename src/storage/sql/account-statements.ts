import type { Instant } from '../../lib/clock.ts';
import type { ApiKeyRow, ApiKeyStorage, ProviderAccountRow, ProviderAccountStorage } from '../storage.ts';
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

export const API_KEY_COLUMNS = 'tenant, id, name, scopes, expires_at, revoked_at';

export interface ApiKeyColumns {
  readonly tenant: string;
  readonly id: string;
  readonly name: string;
  readonly scopes: string[];
  readonly expires_at: Instant | null;
  readonly revoked_at: Instant | null;
}

export function toApiKeyRow(row: ApiKeyColumns): ApiKeyRow {
  return {
    tenant: row.tenant,
    id: row.id,
    name: row.name,
    scopes: row.scopes,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  };
}

const providerAccountInsert = statement(
  'provider_account_insert',
  `insert into provider_account (tenant, id, name, provider, settings, sealed_credentials, created_at)
   values ($1, $2, $3, $4, $5::jsonb, $6, $7)`,
);
const providerAccountUpdate = statement(
  'provider_account_update',
  'update provider_account set settings = $3::jsonb, sealed_credentials = $4 where tenant = $1 and name = $2',
);
const providerAccountGet = statement(
  'provider_account_get',
  `select ${ACCOUNT_COLUMNS} from provider_account where tenant = $1 and name = $2`,
);
const apiKeyInsert = statement(
  'api_key_insert',
  `insert into api_key (tenant, id, name, key_hash, scopes, created_at, expires_at, revoked_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8)`,
);
const apiKeyRevoke = statement(
  'api_key_revoke',
  'update api_key set revoked_at = $3 where tenant = $1 and id = $2 and revoked_at is null returning id',
);
const apiKeyList = statement(
  'api_key_list',
  `select ${API_KEY_COLUMNS} from api_key where tenant = $1 order by id`,
);

export function providerAccountStatements(connection: SqlConnection, tenant: string): ProviderAccountStorage {
  return {
    async insert(account, createdAt) {
      await connection.query(providerAccountInsert, [
        tenant,
        account.id,
        account.name,
        account.provider,
        JSON.stringify(account.settings),
        account.sealedCredentials,
        at(createdAt),
      ]);
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
      ]);
    },
    async revoke(id, revokedAt) {
      return (await connection.query(apiKeyRevoke, [tenant, id, at(revokedAt)])).length > 0;
    },
    async list() {
      return (await connection.query<ApiKeyColumns>(apiKeyList, [tenant])).map(toApiKeyRow);
    },
  };
}
