import { SIMULATED_DESTINATIONS } from '../../domain/destination.ts';
import type { App, ProviderAccount } from '../../app/app.ts';
import { StockWatch } from '../../app/stock-watch.ts';
import { type Pool, POLICY_DEFAULTS } from '../../domain/pool.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { seededRandom } from '../../lib/random.ts';
import { Signal } from '../../lib/signal.ts';
import { createLog } from '../../observe/log.ts';
import { createMetrics } from '../../observe/metrics.ts';
import { createApiKey, hashApiKey } from '../../privacy/api-key.ts';
import { type StoredDataKey, Vault } from '../../privacy/vault.ts';
import type { ApiKeyRow, IdempotencyRow, IdempotencyStorage, TenantStorage } from '../../storage/storage.ts';
import { ALL_SCOPES, type ApiScope } from '../scopes.ts';

export interface FakeApp {
  readonly app: App;
  readonly clock: ManualClock;
  /** every log line, as JSON text */
  readonly logLines: string[];
  readonly pools: Map<string, Pool>;
  readonly accounts: Map<string, ProviderAccount>;
  readonly keyRows: Map<string, ApiKeyRow>;
  /** how often a key was looked up in storage */
  lookups: number;
  /** replaces parts of what one tenant's storage does */
  readonly override: Partial<Record<keyof TenantStorage, object>>;
  /** when set, storage throws it on every use */
  failure: Error | null;
  /** makes a key and returns it */
  createKey(scopes?: readonly ApiScope[], row?: Partial<ApiKeyRow>): string;
}

/**
 * An App that lives in memory, for what the HTTP side does by itself: errors, keys, repetition, limits. What
 * goes deeper is tested on a real database; here only pools and idempotency keys are stored.
 */
/** What calls in a fake are routed by. */
const OPEN_POOL = { ...POLICY_DEFAULTS, countries: [], destinations: SIMULATED_DESTINATIONS };

export function createFakeApp(): FakeApp {
  const clock = new ManualClock();
  const random = seededRandom(1);
  const logLines: string[] = [];
  const dataKeys = new Map<string, StoredDataKey>();
  const vault = new Vault(
    new Uint8Array(32).fill(7),
    {
      dataKeyList: async () => [...dataKeys.values()],
      dataKeyInsert: async (_tenant, key) => void dataKeys.set(String(key.keyId), key),
    },
    clock,
    random,
  );
  const pools = new Map<string, Pool>();
  const idempotency = createIdempotency();
  const fake: FakeApp = {
    clock,
    logLines,
    pools,
    accounts: new Map(),
    keyRows: new Map(),
    lookups: 0,
    override: {},
    failure: null,
    createKey(scopes = ALL_SCOPES, row = {}) {
      const key = createApiKey(random);
      const id = `key_${fake.keyRows.size + 1}`;
      const made = { tenant: 'acme', id, name: id, scopes, expiresAt: null, revokedAt: null, ...row };
      fake.keyRows.set(hexOf(hashApiKey(key)), made);
      return key;
    },
    app: {
      clock,
      random,
      vault,
      log: createLog({ level: 'debug', destination: { write: (line) => void logLines.push(line) } }),
      metrics: createMetrics(),
      wake: { outbox: new Signal(), stock: new Signal(), pending: new Signal() },
      stockWatch: new StockWatch(),
      poolRules: { of: async () => OPEN_POOL, forget() {} } as unknown as App['poolRules'],
      profiles: { realNumberOf: async () => null },
      providerAccounts: {
        byId: async (id) => fake.accounts.get(id) ?? null,
        byName: async () => null,
      },
      storage: {
        durability: 'power-loss',
        keys: {} as unknown as App['storage']['keys'],
        webhooks: {} as unknown as App['storage']['webhooks'],
        spend: {} as unknown as App['storage']['spend'],
        run: async (_tenant, work) => work(open()),
        transaction: async (_tenant, work) => work(open()),
        system: {
          apiKeyByHash: async (hash: Uint8Array) => {
            fake.lookups++;
            if (fake.failure) throw fake.failure;
            return fake.keyRows.get(hexOf(hash)) ?? null;
          },
        } as unknown as App['storage']['system'],
      },
    },
  };
  const audit = { lockHead: async () => null, append: async () => {} };
  const stored = { pools: createPools(pools), idempotency, audit };
  function open(): TenantStorage {
    if (fake.failure) throw fake.failure;
    return { ...stored, ...fake.override } as unknown as TenantStorage;
  }
  return fake;
}

function createPools(pools: Map<string, Pool>): object {
  const none = { inService: 0, idle: 0, allocated: 0, resting: 0, reserved: 0, draining: 0, suspended: 0 };
  return {
    insert: async (pool: Pool) => void pools.set(pool.name, pool),
    get: async (name: string) => pools.get(name) ?? null,
    update: async (pool: Pool) => void pools.set(pool.name, pool),
    list: async ({ limit, after }: { limit: number; after: string | null }) =>
      [...pools.values()]
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .filter((pool) => after === null || pool.name > after)
        .slice(0, limit),
    stockNow: async () => none,
    inUse: async () => false,
  };
}

function createIdempotency(): IdempotencyStorage {
  const rows = new Map<string, IdempotencyRow & { readonly expiresAt: number }>();
  const nameOf = (apiKeyId: string, key: string) => JSON.stringify([apiKeyId, key]);
  return {
    async begin({ apiKeyId, key, hash, now, expiresAt }) {
      const earlier = rows.get(nameOf(apiKeyId, key));
      if (earlier && earlier.expiresAt > now) return earlier;
      rows.set(nameOf(apiKeyId, key), { hash, status: null, body: null, createdAt: now, expiresAt });
      return null;
    },
    async finish(apiKeyId, key, status, body) {
      const row = rows.get(nameOf(apiKeyId, key));
      if (row) rows.set(nameOf(apiKeyId, key), { ...row, status, body });
    },
    async forget(apiKeyId, key) {
      if (rows.get(nameOf(apiKeyId, key))?.status === null) rows.delete(nameOf(apiKeyId, key));
    },
  };
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
