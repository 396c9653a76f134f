import type { ProviderAccounts } from '../app/app.ts';
import type { ServiceConfig } from '../config.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { Vault } from '../privacy/vault.ts';
import { providerFactories } from '../provider-factories.ts';
import { createProviderAccounts, proofsOf } from '../providers/provider-accounts.ts';
import type { Database } from '../storage/sql/connection.ts';
import { createSqlStorage } from '../storage/sql/sql-storage.ts';
import type { Storage } from '../storage/storage.ts';
import { type Finding, fail, messageOf, ok, warn } from './finding.ts';

/** Keys and provider accounts of the tenant that `serve` would serve. */
export async function examineAccounts(
  database: Database,
  config: ServiceConfig,
  masterKeys: readonly Uint8Array[] | null,
): Promise<Finding[]> {
  const { tenant } = config;
  const storage = createSqlStorage(database);
  const findings: Finding[] = [];
  if (masterKeys !== null) {
    const vault = new Vault(masterKeys, storage.keys, systemClock, systemRandom);
    const { finding, opens } = await examineDataKeys(storage, vault, tenant);
    findings.push(finding);
    if (opens) {
      const clock = systemClock;
      const factories = providerFactories({ clock });
      const accounts = createProviderAccounts({
        storage,
        vault,
        clock,
        factories,
        publicUrl: config.publicUrl,
      });
      findings.push(...(await examineProviders(storage, accounts, tenant)));
    }
  }
  const keys = await storage.run(tenant, (s) => s.apiKeys.list());
  const usable = keys.filter(
    (key) => key.revokedAt === null && (key.expiresAt === null || key.expiresAt > systemClock.now()),
  );
  findings.push(
    usable.length > 0
      ? ok(`${usable.length} API keys can be used.`)
      : warn('No API key can be used.', 'Make one with `maskline keys create <name>`.'),
  );
  return findings;
}

async function examineDataKeys(
  storage: Storage,
  vault: Vault,
  tenant: string,
): Promise<{ finding: Finding; opens: boolean }> {
  // Asking the vault first would make the keys.
  if ((await storage.keys.dataKeyList(tenant)).length === 0) {
    const advice =
      'The first start makes them. If there should be some, check DATABASE_URL and MASKLINE_TENANT.';
    return { finding: warn(`Tenant ${tenant} has no data keys yet.`, advice), opens: false };
  }
  try {
    await vault.keysOf(tenant);
    return { finding: ok(`The master key opens the data keys of tenant ${tenant}.`), opens: true };
  } catch {
    const advice = 'Set MASKLINE_MASTER_KEY to the one that this database was first started with.';
    return {
      finding: fail(`The master key does not open the data keys of tenant ${tenant}.`, advice),
      opens: false,
    };
  }
}

/** Accounts with too few proofs of their webhooks are not loaded, and the error says so. */
export async function examineProviders(
  storage: Storage,
  accounts: ProviderAccounts,
  tenant: string,
): Promise<Finding[]> {
  const rows = (await storage.system.providerAccountList()).filter((row) => row.tenant === tenant);
  if (rows.length === 0) {
    return [warn('No provider account is configured.', 'Without one, no call can come in.')];
  }
  const findings: Finding[] = [];
  for (const { name, provider } of rows) {
    const label = `Provider account ${name} (${provider})`;
    try {
      const account = await accounts.byName(tenant, name);
      if (!account) throw new Error('It was removed at this moment.');
      const proofs = proofsOf(account.provider).join(' and ');
      findings.push(ok(`${label} loads; its webhooks are proven by ${proofs}.`));
    } catch (error) {
      findings.push(fail(`${label} cannot be used.`, messageOf(error)));
    }
  }
  return findings;
}
