import type { App } from '../app/app.ts';
import { PoolRules } from '../app/pool-rules.ts';
import { StockWatch } from '../app/stock-watch.ts';
import { ConfigError } from '../settings-reader.ts';
import { inspectServeConfig, type ServiceConfig } from '../config.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { Signal } from '../lib/signal.ts';
import { takeMasterKeys } from '../master-key-sources.ts';
import { createLog } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { Vault } from '../privacy/vault.ts';
import { noProfileDirectory } from '../profiles/no-profile-directory.ts';
import { providerFactories } from '../provider-factories.ts';
import { createProviderAccounts } from '../providers/provider-accounts.ts';
import type { Database } from '../storage/sql/connection.ts';
import { createSqlStorage } from '../storage/sql/sql-storage.ts';
import { withCommandDatabase } from './command-database.ts';

export interface CommandApp {
  readonly app: App;
  readonly tenant: string;
  readonly publicUrl: string;
}

/** Settings without which no account or number can be changed; the others of `serve` do not matter here. */
const NEEDED = /^(DATABASE_URL|MASKLINE_MASTER_KEY|The master key|MASKLINE_PUBLIC_URL)/;

/** The use cases on the database of a service, for one command. What it announces, the running service publishes. */
export async function withCommandApp<T>(
  options: { readonly tenant?: string },
  work: (context: CommandApp) => Promise<T>,
): Promise<T> {
  const { config, databaseUrl, masterKeys, violations } = inspectServeConfig(process.env);
  const needed = violations.filter((violation) => NEEDED.test(violation));
  if (needed.length > 0 || databaseUrl === null || masterKeys === null) throw new ConfigError(needed);
  const { keys } = await takeMasterKeys(masterKeys);
  return withCommandDatabase({ service: config, databaseUrl }, async (database) => {
    const app = createCommandApp(database, config, keys);
    const tenant = options.tenant ?? config.tenant;
    // The configured tenant may be used before its first start; any other name is more likely a slip.
    if (tenant === config.tenant) await app.storage.system.tenantInsert(tenant, tenant, app.clock.now());
    const tenants = await app.storage.system.tenantList();
    if (!tenants.includes(tenant)) {
      throw new Error(`There is no tenant "${tenant}". There is: ${tenants.join(', ')}.`);
    }
    return work({ app, tenant, publicUrl: config.publicUrl });
  });
}

function createCommandApp(database: Database, config: ServiceConfig, masterKeys: readonly Uint8Array[]): App {
  const [clock, random] = [systemClock, systemRandom];
  const storage = createSqlStorage(database);
  const vault = new Vault(masterKeys, storage.keys, clock, random);
  const factories = providerFactories({ clock });
  return {
    storage,
    vault,
    clock,
    random,
    log: createLog({ level: 'warn', destination: process.stderr }),
    metrics: createMetrics(),
    profiles: noProfileDirectory,
    providerAccounts: createProviderAccounts({
      storage,
      vault,
      clock,
      factories,
      publicUrl: config.publicUrl,
    }),
    wake: { outbox: new Signal(), stock: new Signal(), pending: new Signal() },
    stockWatch: new StockWatch(),
    poolRules: new PoolRules({ storage, clock }),
  };
}
