import { SIMULATED_DESTINATIONS } from '../../domain/destination.ts';
import type { App, ProviderAccount } from '../../app/app.ts';
import { PoolRules } from '../../app/pool-rules.ts';
import { StockWatch } from '../../app/stock-watch.ts';
import { createId } from '../../lib/id.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { systemRandom } from '../../lib/random.ts';
import { Signal } from '../../lib/signal.ts';
import { createLog } from '../../observe/log.ts';
import { createMetrics } from '../../observe/metrics.ts';
import { createApiKey, hashApiKey } from '../../privacy/api-key.ts';
import { Vault } from '../../privacy/vault.ts';
import type { Database } from '../../storage/sql/connection.ts';
import { createSqlStorage } from '../../storage/sql/sql-storage.ts';
import { openTestDatabase } from '../../storage/testing/open-test-database.ts';
import { ALL_SCOPES, type ApiScope } from '../scopes.ts';
import { FakeProvider } from './fake-provider.ts';

export interface RealApp {
  readonly app: App;
  readonly clock: ManualClock;
  readonly database: Database;
  readonly logLines: string[];
  readonly accounts: Map<string, ProviderAccount>;
  createKey(tenant?: string, scopes?: readonly ApiScope[]): Promise<string>;
  close(): Promise<void>;
}

/** The provider account that tenant `acme` has in tests. */
export const ACCOUNT = { id: 'acc_1', name: 'simulator', pathSecret: 'p'.repeat(22) } as const;

/** An App on a real database, in memory unless `open` gives another, with the tenants `acme` and `globex`; only the provider is not real. */
export async function createRealApp(open: () => Promise<Database> = openTestDatabase): Promise<RealApp> {
  const clock = new ManualClock();
  const random = systemRandom;
  const database = await open();
  const storage = createSqlStorage(database);
  const vault = new Vault(random.bytes(32), storage.keys, clock, random);
  const logLines: string[] = [];
  const accounts = new Map<string, ProviderAccount>();
  const app: App = {
    clock,
    random,
    storage,
    vault,
    log: createLog({ level: 'debug', destination: { write: (line) => void logLines.push(line) } }),
    metrics: createMetrics(),
    wake: { outbox: new Signal(), stock: new Signal(), pending: new Signal() },
    destinationsDefault: SIMULATED_DESTINATIONS,
    stockWatch: new StockWatch(),
    poolRules: new PoolRules({ storage, clock }),
    profiles: { realNumberOf: async () => null },
    providerAccounts: {
      byId: async (id) => accounts.get(id) ?? null,
      byName: async (tenant, name) =>
        [...accounts.values()].find((account) => account.tenant === tenant && account.name === name) ?? null,
    },
  };
  for (const tenant of ['acme', 'globex']) await storage.system.tenantInsert(tenant, tenant, clock.now());
  await addAccount(app, accounts);
  return {
    app,
    clock,
    database,
    logLines,
    accounts,
    async createKey(tenant = 'acme', scopes = ALL_SCOPES) {
      const key = createApiKey(random);
      const id = createId('key', clock, random);
      const row = { tenant, id, name: id, scopes, expiresAt: null, revokedAt: null, hash: hashApiKey(key) };
      await storage.run(tenant, (s) => s.apiKeys.insert(row, clock.now()));
      return key;
    },
    close: () => database.close(),
  };
}

async function addAccount(app: App, accounts: Map<string, ProviderAccount>): Promise<void> {
  const tenant = 'acme';
  const sealedCredentials = (await app.vault.keysOf(tenant)).sealText('{}', {
    table: 'provider_account',
    row: ACCOUNT.id,
  });
  const row = { ...ACCOUNT, tenant, provider: 'simulator', settings: {}, sealedCredentials };
  await app.storage.run(tenant, (s) => s.providerAccounts.insert(row, app.clock.now()));
  accounts.set(ACCOUNT.id, { ...ACCOUNT, tenant, provider: new FakeProvider(), webhookBase: '' });
}
