import { type NumberHeld, ProviderError } from '../providers/provider.ts';
import type { IntentRow } from '../storage/intent-storage.ts';
import { adoptNumber, webhookUrls } from './adopt-number.ts';
import type { App, ProviderAccount } from './app.ts';
import { askProvider } from './ask-provider.ts';
import { finishDecommission } from './decommission-number.ts';
import { LIMITS } from './limits.ts';

/** Told before each number that is gone into: so many are done, of so many. */
export type OnStep = (done: number, total: number) => void;

/**
 * Settles orders whose answer was lost, by asking the provider what it thinks is ours: a number that is in the
 * list was bought, is pointed at us and is adopted; one that is still missing after a while is given up. That it was not
 * bought is likely, but nothing tells: it may have been sold and be gone again, so it counts against the account's budget
 * like one that was, and the money is safe whatever an operator loses. One that was to
 * be given back is given back again, which does no harm when it is gone. Returns how many were adopted.
 * @throws ProviderError when the list cannot be had; nothing is bought until it can
 */
export async function reconcileIntents(
  app: App,
  account: ProviderAccount,
  onStep: OnStep = () => {},
): Promise<number> {
  const { tenant } = account;
  const open = await app.storage.run(tenant, (s) => s.intents.unsettled(account.name, LIMITS.intentBatch));
  if (open.length === 0) return 0;
  const held = await listHeld(app, account);
  let adopted = 0;
  for (const [done, intent] of open.entries()) {
    onStep(done, open.length);
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
  if (number) return adoptListed(app, account, intent, number);
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

/**
 * Adopts a number that only the list tells of. Some providers sell first and link the webhooks afterwards, so the
 * purchase may have broken off between the two: nothing rings on such a number. It is configured (again) first, and
 * one that cannot be configured stays out of the pool, its intent open for the next time.
 */
export async function adoptListed(
  app: App,
  account: ProviderAccount,
  intent: IntentRow,
  held: NumberHeld,
): Promise<boolean> {
  try {
    await askProvider(app, account, (provider, signal) =>
      provider.configureNumber(held, { urls: webhookUrls(account) }, signal),
    );
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    app.log.warn(
      { account: account.name, intent: intent.id, code: error.code },
      'A number that was bought could not be pointed at us yet, so it is not used. This is tried again.',
    );
    return false;
  }
  return adoptNumber(app, account, intent, held);
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
