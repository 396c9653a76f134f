import { MasklineError } from '../domain/errors.ts';
import { type Capability, type VirtualNumber, VirtualNumberState } from '../domain/virtual-number.ts';
import type { NewVirtualNumber, VirtualNumberRow } from '../storage/virtual-number-storage.ts';
import type { App } from './app.ts';
import { stopLoops } from './stop-loops.ts';
import { checkRecording } from './check-recording.ts';

export interface ImportVirtualNumberParams {
  readonly tenant: string;
  readonly virtualNumber: VirtualNumber;
  readonly pool: string;
  readonly providerAccount: string;
  readonly capabilities: readonly Capability[];
  /** default `in_service` */
  readonly state?: VirtualNumberState;
  /** where its webhooks point, in the adapter's own words, when they are going to be changed */
  readonly previousWebhooks?: unknown;
}

/**
 * Takes a number that the account holds already into a pool.
 * @throws MasklineError MASK_UNKNOWN_POOL, MASK_UNKNOWN_PROVIDER_ACCOUNT, MASK_ALREADY_EXISTS
 */
export async function importVirtualNumber(
  app: App,
  params: ImportVirtualNumberParams,
): Promise<VirtualNumberRow> {
  const { tenant, virtualNumber, pool, providerAccount, capabilities } = params;
  const previousWebhooks = params.previousWebhooks ?? null;
  const row: NewVirtualNumber = {
    virtualNumber,
    pool,
    providerAccount,
    capabilities,
    providerNumberId: null,
    state: params.state ?? VirtualNumberState.InService,
    createdAt: app.clock.now(),
    imported: true,
  };
  const keys = await app.vault.keysOf(tenant);
  const into = await app.storage.run(tenant, (storage) => storage.pools.get(pool));
  if (into) await checkRecording(app, tenant, { ...into, stock: null }, [providerAccount]);
  await app.storage.transaction(tenant, async (storage) => {
    if (!(await storage.pools.get(pool))) {
      throw new MasklineError(
        'MASK_UNKNOWN_POOL',
        `There is no pool "${pool}". Create it with POST /v1/pools.`,
      );
    }
    if (!(await storage.providerAccounts.get(providerAccount))) {
      throw new MasklineError(
        'MASK_UNKNOWN_PROVIDER_ACCOUNT',
        `There is no provider account "${providerAccount}".`,
      );
    }
    if (!(await storage.virtualNumbers.insert(row))) {
      throw new MasklineError(
        'MASK_ALREADY_EXISTS',
        'This virtual number is in a pool already. Move it with PATCH.',
      );
    }
    if (previousWebhooks !== null) {
      await storage.virtualNumbers.configured(virtualNumber, null, previousWebhooks);
    }
    await stopLoops(storage, keys, virtualNumber, app.clock.now());
  });
  app.wake.pending.raise();
  return { ...row, imported: true, previousWebhooks, withdrawnAt: null };
}
