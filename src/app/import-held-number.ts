import { MasklineError } from '../domain/errors.ts';
import { VirtualNumberState } from '../domain/virtual-number.ts';
import type { NumberHeld } from '../providers/provider.ts';
import type { VirtualNumberRow } from '../storage/virtual-number-storage.ts';
import { webhookUrls } from './adopt-number.ts';
import type { App, ProviderAccount } from './app.ts';
import { askProvider } from './ask-provider.ts';
import { importVirtualNumber } from './import-virtual-number.ts';

/**
 * Takes a number that the account holds already into a pool, and points its webhooks at us. Where they pointed
 * before is remembered, and put back when the number is decommissioned. Until that is done nothing allocates it;
 * a try that broke off is taken up again by the next.
 * @throws MasklineError MASK_UNKNOWN_POOL, MASK_UNKNOWN_PROVIDER_ACCOUNT, MASK_ALREADY_EXISTS
 * @throws ProviderError
 */
export async function importHeldNumber(
  app: App,
  account: ProviderAccount,
  params: { readonly held: NumberHeld; readonly pool: string },
): Promise<VirtualNumberRow | null> {
  const { tenant } = account;
  const { held, pool } = params;
  const { virtualNumber, providerNumberId, capabilities } = held;
  const known = await app.storage.run(tenant, (storage) => storage.virtualNumbers.get(virtualNumber));
  if (!isBrokenOff(known)) {
    const state = VirtualNumberState.Reserved;
    const row = { tenant, virtualNumber, pool, providerAccount: account.name, capabilities, state };
    await importVirtualNumber(app, row);
  } else if (known?.pool !== pool) {
    throw new MasklineError(
      'MASK_ALREADY_EXISTS',
      `This virtual number is in pool "${known?.pool}" already.`,
    );
  }
  const previous = await askProvider(app, account, (provider, signal) =>
    provider.configureNumber(held, { urls: webhookUrls(account) }, signal),
  );
  try {
    await app.storage.transaction(tenant, async (storage) => {
      await storage.virtualNumbers.configured(virtualNumber, providerNumberId, previous);
      await storage.virtualNumbers.setState(virtualNumber, VirtualNumberState.InService);
    });
  } catch (error) {
    // Nobody would know any more where they pointed.
    await askProvider(app, account, (provider, signal) =>
      provider.configureNumber(held, { restore: previous }, signal),
    );
    throw error;
  }
  app.wake.pending.raise();
  return app.storage.run(tenant, (storage) => storage.virtualNumbers.get(virtualNumber));
}

function isBrokenOff(row: VirtualNumberRow | null): boolean {
  return row?.imported === true && row.state === VirtualNumberState.Reserved && row.previousWebhooks === null;
}
