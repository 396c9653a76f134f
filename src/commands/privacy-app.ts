import { userInfo } from 'node:os';
import type { App } from '../app/app.ts';
import { appendAudit, type AuditedAct } from '../app/audit.ts';
import { PoolRules } from '../app/pool-rules.ts';
import { StockWatch } from '../app/stock-watch.ts';
import { readDatabaseConfig, readMasterKeyConfig } from '../config.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { Signal } from '../lib/signal.ts';
import { type MasterKeyOrigins, takeMasterKeys } from '../master-key-sources.ts';
import { createLog } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { Vault } from '../privacy/vault.ts';
import { noProfileDirectory } from '../profiles/no-profile-directory.ts';
import { createSqlStorage } from '../storage/sql/sql-storage.ts';
import type { Storage, TenantStorage } from '../storage/storage.ts';
import { withCommandDatabase } from './command-database.ts';

export interface PrivacyContext {
  readonly app: App;
  readonly tenant: string;
  /** who is at the terminal, for the audit */
  readonly actor: string;
}

/**
 * What commands about keys, erasure and audit work on: the database and the master keys, and no provider. What
 * they announce, the running service publishes. @throws ConfigError
 */
export async function withPrivacyApp<T>(
  options: { readonly tenant?: string | undefined },
  work: (context: PrivacyContext) => Promise<T>,
): Promise<T> {
  const config = readDatabaseConfig(process.env);
  const { keys: masterKeys } = await takeMasterKeys(readMasterKeyConfig(process.env));
  return withCommandDatabase(config, async (database) => {
    const storage = createSqlStorage(database);
    const tenant = options.tenant ?? config.service.tenant;
    const tenants = await storage.system.tenantList();
    if (!tenants.includes(tenant)) {
      throw new Error(`There is no tenant "${tenant}". There is: ${tenants.join(', ')}.`);
    }
    const app: App = {
      storage,
      vault: new Vault(masterKeys, storage.keys, systemClock, systemRandom),
      clock: systemClock,
      random: systemRandom,
      log: createLog({ level: 'warn', destination: process.stderr }),
      metrics: createMetrics(),
      profiles: noProfileDirectory,
      providerAccounts: { byId: async () => null, byName: async () => null },
      wake: { outbox: new Signal(), stock: new Signal(), pending: new Signal() },
      stockWatch: new StockWatch(),
      poolRules: new PoolRules({ storage, clock: systemClock }),
    };
    return work({ app, tenant, actor: terminalActor() });
  });
}

/**
 * Runs the work of a command that could do it without the master key, in one transaction with its row in the audit.
 * Without that key the row cannot be made, and it is said so.
 */
export async function auditedWithKey<T>(
  storage: Storage,
  tenant: string,
  act: Omit<AuditedAct, 'actor'>,
  work: (storage: TenantStorage) => Promise<T>,
): Promise<T> {
  const masterKeys = await masterKeysIfSet();
  if (masterKeys === null) {
    process.stderr.write('Not noted in the audit: MASKLINE_MASTER_KEY is not set.\n');
    return storage.transaction(tenant, work);
  }
  const keys = await new Vault(masterKeys, storage.keys, systemClock, systemRandom).keysOf(tenant);
  return storage.transaction(tenant, async (inside) => {
    const result = await work(inside);
    await appendAudit({ clock: systemClock }, inside, keys, { ...act, actor: terminalActor() });
    return result;
  });
}

/** @throws MasterKeyUnavailable when it is said where the key is, and it is not there */
async function masterKeysIfSet(): Promise<readonly Uint8Array[] | null> {
  let origins: MasterKeyOrigins;
  try {
    origins = readMasterKeyConfig(process.env);
  } catch {
    return null;
  }
  return (await takeMasterKeys(origins)).keys;
}

export function terminalActor(): string {
  return `command:${userInfo().username}`;
}
