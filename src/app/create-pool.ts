import { MasklineError } from '../domain/errors.ts';
import type { Pool } from '../domain/pool.ts';
import { isConstraintError } from '../storage/storage-error.ts';
import type { App } from './app.ts';
import { checkCountries } from './check-countries.ts';
import { checkRecording } from './check-recording.ts';
import { checkStockPolicy } from './check-stock-policy.ts';

/** @throws MasklineError MASK_ALREADY_EXISTS, MASK_UNKNOWN_PROVIDER_ACCOUNT, MASK_INVALID_REQUEST */
export async function createPool(
  app: App,
  params: { readonly tenant: string; readonly pool: Pool },
): Promise<Pool> {
  const { tenant, pool } = params;
  checkCountries(pool);
  await checkRecording(app, tenant, pool, []);
  await app.storage.transaction(tenant, async (storage) => {
    await checkStockPolicy(storage, pool.stock);
    if (await storage.pools.get(pool.name)) throw alreadyThere(pool.name);
    try {
      await storage.pools.insert(pool, app.clock.now());
    } catch (error) {
      throw isConstraintError(error, 'pool_pkey') ? alreadyThere(pool.name) : error;
    }
  });
  app.wake.stock.raise();
  return pool;
}

function alreadyThere(name: string): MasklineError {
  return new MasklineError('MASK_ALREADY_EXISTS', `There is a pool "${name}" already. Change it with PATCH.`);
}
