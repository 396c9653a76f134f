import type { NumberHeld } from '../providers/provider.ts';
import type { IntentRow } from '../storage/storage.ts';
import { adoptNumber } from './adopt-number.ts';
import type { App, ProviderAccount } from './app.ts';
import { askProvider } from './ask-provider.ts';
import { finishDecommission } from './decommission-number.ts';
import { LIMITS } from './limits.ts';

/**
 * Settles orders whose answer was lost, by asking the provider what it thinks is ours: a number that is in the
 * list was bought and is adopted; one that is still missing after a while was not. One that was to be given back
 * is given back again, which does no harm when it is gone. Returns how many were adopted.
 * @throws ProviderError when the list cannot be had; nothing is bought until it can
 */
export async function reconcileIntents(app: App, account: ProviderAccount): Promise<number> {
  const { tenant } = account;
  const open = await app.storage.run(tenant, (s) => s.intents.unsettled(account.name, LIMITS.intentBatch));
  if (open.length === 0) return 0;
  const held = await listHeld(app, account);
  let adopted = 0;
  for (const intent of open) {
    if (intent.kind === 'decommission') {
      await finishDecommission(app, account, intent, held.get(intent.virtualNumber) ?? null);
    } else if (await settlePurchase(app, account, intent, held)) adopted++;
  }
  return adopted;
}

async function settlePurchase(
  app: App,
  account: ProviderAccount,
  intent: IntentRow,
  held: ReadonlyMap<string, NumberHeld>,
): Promise<boolean> {
  const number = held.get(intent.virtualNumber);
  if (number) return adoptNumber(app, account, intent, number);
  const patience =
    account.provider.capabilities.provisioning === 'asynchronous'
      ? LIMITS.intentPatienceAsynchronousSeconds
      : LIMITS.intentPatienceSeconds;
  if (app.clock.now() - intent.updatedAt > patience * 1_000) {
    await app.storage.run(account.tenant, (s) =>
      s.intents.setState(intent.id, 'failed', app.clock.now(), 'not_bought'),
    );
  }
  return false;
}

/** Every number that the provider says is ours. @throws ProviderError */
export async function listHeld(app: App, account: ProviderAccount): Promise<ReadonlyMap<string, NumberHeld>> {
  const list = await askProvider(
    app,
    account,
    (provider, signal) => provider.listNumbers(signal),
    LIMITS.providerListTimeoutMs,
  );
  return new Map(list.map((one) => [one.virtualNumber, one]));
}
