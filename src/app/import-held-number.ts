import { MasklineError } from '../domain/errors.ts';
import { VirtualNumberState } from '../domain/virtual-number.ts';
import type { NumberHeld } from '../providers/provider.ts';
import type { VirtualNumberRow } from '../storage/virtual-number-storage.ts';
import { webhookUrls } from './adopt-number.ts';
import type { App, ProviderAccount } from './app.ts';
import { askProvider } from './ask-provider.ts';
import { importVirtualNumber } from './import-virtual-number.ts';

/**
 * Takes a number that the account holds already into a pool, and points its webhooks at us. Where they pointed before is
 * committed first, so that it is put back when the number is decommissioned, wherever a try breaks off. Until all is done
 * nothing allocates the number, and the next try goes on.
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
  const readWebhooks = () =>
    askProvider(app, account, (provider, signal) => provider.readWebhooks(held, signal));
  if (!isBrokenOff(known)) {
    const state = VirtualNumberState.Reserved;
    const row = { tenant, virtualNumber, pool, providerAccount: account.name, capabilities, state };
    await importVirtualNumber(app, { ...row, previousWebhooks: await readWebhooks() });
  } else if (known?.pool !== pool) {
    throw new MasklineError(
      'MASK_ALREADY_EXISTS',
      `This virtual number is in pool "${known?.pool}" already.`,
    );
  } else if (known.previousWebhooks === null) {
    const previous = await readWebhooks();
    await app.storage.run(tenant, (storage) =>
      storage.virtualNumbers.configured(virtualNumber, null, previous),
    );
  }
  await askProvider(app, account, (provider, signal) =>
    provider.configureNumber(held, { urls: webhookUrls(account) }, signal),
  );
  await app.storage.transaction(tenant, async (storage) => {
    await storage.virtualNumbers.configured(virtualNumber, providerNumberId, null);
    await storage.virtualNumbers.setState(virtualNumber, VirtualNumberState.InService);
  });
  app.wake.pending.raise();
  return app.storage.run(tenant, (storage) => storage.virtualNumbers.get(virtualNumber));
}

/** Whether the number was to be imported and that has not come to its end, which importing it again does. */
export function isBrokenOff(row: VirtualNumberRow | null): boolean {
  return row?.imported === true && row.state === VirtualNumberState.Reserved && row.providerNumberId === null;
}
