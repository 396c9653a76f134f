import { adoptNumber } from './adopt-number.ts';
import type { App, ProviderAccount } from './app.ts';
import { LIMITS } from './limits.ts';

/**
 * Settles purchases whose answer was lost, by asking the provider what it thinks is ours: a number that is in
 * the list was bought and is adopted; one that is still missing after a while was not.
 * @throws ProviderError when the list cannot be had; nothing is bought until it can
 */
export async function reconcileIntents(app: App, account: ProviderAccount): Promise<number> {
  const { tenant, provider } = account;
  const open = await app.storage.run(tenant, (s) => s.intents.unsettled(account.name, LIMITS.intentBatch));
  if (open.length === 0) return 0;
  const held = new Map(
    (await provider.listNumbers(AbortSignal.timeout(LIMITS.providerTimeoutMs))).map((one) => [
      one.virtualNumber,
      one,
    ]),
  );
  let adopted = 0;
  for (const intent of open) {
    const number = held.get(intent.virtualNumber);
    if (number) {
      if (await adoptNumber(app, account, intent, number)) adopted++;
    } else if (app.clock.now() - intent.updatedAt > LIMITS.intentPatienceSeconds * 1_000) {
      await app.storage.run(tenant, (s) =>
        s.intents.setState(intent.id, 'failed', app.clock.now(), 'not_bought'),
      );
    }
  }
  return adopted;
}
