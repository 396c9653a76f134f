import { Buffer } from 'node:buffer';
import { isDeepStrictEqual } from 'node:util';
import { webhookUrls } from '../app/adopt-number.ts';
import { appendAudit } from '../app/audit.ts';
import { createId } from '../lib/id.ts';
import type { Provider, WebhookUrls } from '../providers/provider.ts';
import {
  assertProven,
  type ProviderFactory,
  type SealedCredentials,
  webhookBase,
} from '../providers/provider-accounts.ts';
import type { AccountBudget } from '../storage/storage.ts';
import { isConstraintError } from '../storage/storage-error.ts';
import type { CommandApp } from './command-app.ts';
import { terminalActor } from './privacy-app.ts';

/** 192 bits; SEC-04 asks for 128. */
const PATH_SECRET_BYTES = 24;
const MINUTE_MS = 60_000;

export interface NewAccount {
  readonly provider: string;
  readonly name: string;
  readonly settings: unknown;
  readonly credentials: unknown;
  /** null keeps what is there, or the service's own limits */
  readonly budget: AccountBudget | null;
  /** changes an account that is there, and keeps its webhook URLs and its numbers */
  readonly replace: boolean;
  /** how long webhooks that are proven by the credentials before are still believed; 0 ends them at once */
  readonly overlapMinutes: number;
  readonly dryRun: boolean;
}

/** Builds the adapter, so that everything wrong is known before anything is written; seals; stores. */
export async function addAccount(
  { app, tenant, publicUrl }: CommandApp,
  factories: ReadonlyMap<string, ProviderFactory>,
  account: NewAccount,
): Promise<{ provider: Provider; urls: WebhookUrls }> {
  const { name, settings, credentials } = account;
  const factory = factories.get(account.provider);
  if (!factory) {
    throw new Error(
      `There is no provider "${account.provider}". There is: ${[...factories.keys()].sort().join(', ')}.`,
    );
  }
  const provider = factory({ settings, credentials });
  assertProven(name, provider);
  const known = await app.storage.run(tenant, (storage) => storage.providerAccounts.get(name));
  if (known && !account.replace) {
    throw new Error(
      `There is an account "${name}" already. Give another name, or --replace to change that one.`,
    );
  }
  if (!known && account.replace) throw new Error(`There is no account "${name}" that could be replaced.`);
  if (known && known.provider !== account.provider) {
    throw new Error(
      `Account "${name}" is of provider ${known.provider}; its numbers are there. Give another name.`,
    );
  }
  const keys = await app.vault.keysOf(tenant);
  const id = known?.id ?? createId('acc', app.clock, app.random);
  const place = { table: 'provider_account', row: id } as const;
  const kept = known && (JSON.parse(keys.openText(known.sealedCredentials, place)) as SealedCredentials);
  const pathSecret =
    kept?.pathSecret ?? Buffer.from(app.random.bytes(PATH_SECRET_BYTES)).toString('base64url');
  const before = overlapOf(kept, credentials, app.clock.now() + account.overlapMinutes * MINUTE_MS, account);
  const sealed: SealedCredentials = { pathSecret, credentials, ...before };
  const sealedCredentials = keys.sealText(JSON.stringify(sealed), place);
  const row = { tenant, id, name, provider: account.provider, settings, sealedCredentials };
  if (!account.dryRun) {
    await app.storage
      .transaction(tenant, async (storage) => {
        if (known) await storage.providerAccounts.update(row);
        else await storage.providerAccounts.insert(row, app.clock.now());
        if (account.budget) await storage.providerAccounts.setBudget(name, account.budget);
        const action = known ? 'provider_account.changed' : 'provider_account.added';
        const details = { provider: account.provider, id };
        await appendAudit(app, storage, keys, { actor: terminalActor(), action, subject: name, details });
      })
      .catch((error: unknown) => {
        if (!isConstraintError(error, 'provider_account_pkey')) throw error;
        throw new Error(`Somebody has just added an account "${name}".`, { cause: error });
      });
  }
  const base = webhookBase(publicUrl, row, pathSecret);
  return { provider, urls: webhookUrls({ tenant, id, name, provider, pathSecret, webhookBase: base }) };
}

/** Nothing, unless credentials are being exchanged for others. */
function overlapOf(
  kept: SealedCredentials | null,
  credentials: unknown,
  until: number,
  { overlapMinutes }: NewAccount,
): Pick<SealedCredentials, 'before'> {
  if (!kept || overlapMinutes === 0 || isDeepStrictEqual(kept.credentials, credentials)) return {};
  return { before: { credentials: kept.credentials, until } };
}

/** Forgets the credentials of an account that nothing needs any more. */
export async function removeAccount({ app, tenant }: CommandApp, name: string): Promise<void> {
  const keys = await app.vault.keysOf(tenant);
  await app.storage.transaction(tenant, async (storage) => {
    // Locked, so that nobody begins to buy from it meanwhile.
    await storage.providerAccounts.lockBudget(name);
    if (!(await storage.providerAccounts.get(name))) throw new Error(`There is no account "${name}".`);
    const { pools, numbers } = await storage.providerAccounts.uses(name);
    if (pools.length > 0) {
      throw new Error(`Pool ${pools.join(', ')} buys from "${name}". Change \`stock\` of that pool first.`);
    }
    if (numbers > 0) {
      throw new Error(
        `${numbers} virtual numbers are held at "${name}". Give them back first: maskline numbers decommission --account ${name} --all`,
      );
    }
    await storage.providerAccounts.remove(name, app.clock.now());
    const act = { action: 'provider_account.removed', subject: name, details: {} };
    await appendAudit(app, storage, keys, { ...act, actor: terminalActor() });
  });
}
