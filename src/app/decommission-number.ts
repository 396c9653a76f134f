import { MasklineError } from '../domain/errors.ts';
import { type VirtualNumber, VirtualNumberState } from '../domain/virtual-number.ts';
import { createId } from '../lib/id.ts';
import { type NumberHeld, ProviderError } from '../providers/provider.ts';
import type { IntentRow } from '../storage/intent-storage.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { VirtualNumberRow } from '../storage/virtual-number-storage.ts';
import type { App, ProviderAccount } from './app.ts';
import { askProvider } from './ask-provider.ts';
import { LIMITS } from './limits.ts';
import { reserveInTransaction } from './reserve-intent.ts';

export interface DecommissionNumberParams {
  readonly tenant: string;
  readonly virtualNumber: VirtualNumber;
}

/**
 * Gives a number up for good, once nobody needs it: it is idle, nobody rests from it, and no call runs over it. One
 * that was bought goes back to the provider; one that was imported stays there, with the webhooks that it had.
 *
 * The intent is committed first, together with the state in which nothing allocates the number any more; should
 * the answer be lost, `reconcileIntents` asks again. Returns null when there is no such number.
 *
 * @throws MasklineError MASK_VIRTUAL_NUMBER_IN_USE, MASK_UNKNOWN_PROVIDER_ACCOUNT
 * @throws BudgetSpentError @throws ProviderError
 */
export async function decommissionNumber(
  app: App,
  params: DecommissionNumberParams,
): Promise<VirtualNumberRow | null> {
  const { tenant, virtualNumber } = params;
  const found = await app.storage.run(tenant, (storage) => storage.virtualNumbers.get(virtualNumber));
  if (!found || found.state === VirtualNumberState.Decommissioned) return found;
  const account = await app.providerAccounts.byName(tenant, found.providerAccount);
  if (!account) {
    throw new MasklineError(
      'MASK_UNKNOWN_PROVIDER_ACCOUNT',
      `Provider account "${found.providerAccount}" is gone, so nothing can be given back to it.`,
    );
  }
  const intent = await app.storage.transaction(tenant, (storage) => intend(app, storage, virtualNumber));
  await finishDecommission(app, account, intent, null);
  return app.storage.run(tenant, (storage) => storage.virtualNumbers.get(virtualNumber));
}

async function intend(app: App, storage: TenantStorage, virtualNumber: VirtualNumber): Promise<IntentRow> {
  const row = await storage.virtualNumbers.lock(virtualNumber);
  if (!row) throw new MasklineError('MASK_NOT_FOUND', 'There is no such virtual number.');
  const now = app.clock.now();
  if (
    (await storage.virtualNumbers.inUse(virtualNumber, now)) ||
    (await storage.virtualNumbers.onCall(virtualNumber))
  ) {
    throw new MasklineError(
      'MASK_VIRTUAL_NUMBER_IN_USE',
      'The number serves a session, rests after one, or is in a call. Set its state to "draining": it goes back by itself.',
    );
  }
  await storage.virtualNumbers.setState(virtualNumber, VirtualNumberState.Draining);
  const intent: IntentRow = {
    id: createId('int', app.clock, app.random),
    kind: 'decommission',
    providerAccount: row.providerAccount,
    pool: row.pool,
    virtualNumber,
    state: 'asked',
    createdAt: now,
    updatedAt: now,
    attempts: 1,
  };
  if (await reserveInTransaction(app, storage, intent)) return intent;
  const open = await storage.intents.openFor(row.providerAccount, virtualNumber);
  if (open?.kind === 'decommission') return open;
  throw new MasklineError('MASK_VIRTUAL_NUMBER_IN_USE', 'The number is just being bought. Try again later.');
}

/** Asks the provider, once or once more, and settles the intent. @throws ProviderError: it stays open */
export async function finishDecommission(
  app: App,
  account: ProviderAccount,
  intent: IntentRow,
  listed: NumberHeld | null,
): Promise<void> {
  const { tenant } = account;
  const { virtualNumber } = intent;
  const row = await app.storage.run(tenant, (storage) => storage.virtualNumbers.get(virtualNumber));
  if (row && row.state !== VirtualNumberState.Decommissioned) {
    const providerNumberId = listed?.providerNumberId ?? row.providerNumberId;
    if (row.imported) await restoreWebhooks(app, account, { ...row, providerNumberId });
    else {
      const held = { ...row, providerNumberId: providerNumberId ?? '' };
      await askProvider(app, account, (provider, signal) => provider.decommissionNumber(held, signal));
    }
  }
  await app.storage.transaction(tenant, async (storage) => {
    await storage.virtualNumbers.setState(virtualNumber, VirtualNumberState.Decommissioned);
    await storage.intents.setState(intent.id, 'done', app.clock.now(), null);
  });
  app.wake.stock.raise();
}

async function restoreWebhooks(app: App, account: ProviderAccount, row: VirtualNumberRow): Promise<void> {
  if (row.previousWebhooks === null || row.withdrawnAt !== null) return;
  const restore = row.previousWebhooks;
  // An import that broke off has not kept the provider's id.
  const providerNumberId =
    row.providerNumberId ?? (await findListed(app, account, row.virtualNumber))?.providerNumberId;
  if (providerNumberId === undefined) return;
  try {
    await askProvider(app, account, (provider, signal) =>
      provider.configureNumber({ ...row, providerNumberId }, { restore }, signal),
    );
  } catch (error) {
    // Where there is no such number any more, there is nothing to put back.
    if (!(error instanceof ProviderError)) throw error;
    if (await findListed(app, account, row.virtualNumber)) throw error;
  }
}

async function findListed(
  app: App,
  account: ProviderAccount,
  virtualNumber: VirtualNumber,
): Promise<NumberHeld | undefined> {
  const list = await askProvider(
    app,
    account,
    (provider, signal) => provider.listNumbers(signal),
    LIMITS.providerListTimeoutMs,
  );
  return list.find((one) => one.virtualNumber === virtualNumber);
}
