import { userInfo } from 'node:os';
import type { App } from '../app/app.ts';
import { type AuditedAct, recordAudit } from '../app/audit.ts';
import { StockWatch } from '../app/stock-watch.ts';
import { readDatabaseConfig, readMasterKeyConfig } from '../config.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { Signal } from '../lib/signal.ts';
import { createLog } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { Vault } from '../privacy/vault.ts';
import { noProfileDirectory } from '../profiles/no-profile-directory.ts';
import { createSqlStorage } from '../storage/sql/sql-storage.ts';
import type { Storage } from '../storage/storage.ts';
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
  const masterKeys = readMasterKeyConfig(process.env);
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
    };
    return work({ app, tenant, actor: terminalActor() });
  });
}

/**
 * Adds a row to the audit for a command that could do its work without the master key. Without that key the row
 * cannot be made, and it is said so. @returns whether the row is there
 */
export async function auditWithKey(
  storage: Storage,
  tenant: string,
  act: Omit<AuditedAct, 'actor'>,
): Promise<boolean> {
  let masterKeys: readonly Uint8Array[];
  try {
    masterKeys = readMasterKeyConfig(process.env);
  } catch {
    process.stderr.write('Not noted in the audit: MASKLINE_MASTER_KEY is not set.\n');
    return false;
  }
  const vault = new Vault(masterKeys, storage.keys, systemClock, systemRandom);
  await recordAudit({ clock: systemClock, storage, vault }, tenant, { ...act, actor: terminalActor() });
  return true;
}

export function terminalActor(): string {
  return `command:${userInfo().username}`;
}
