import { MasklineError } from '../domain/errors.ts';
import type { Pool, PoolPolicy } from '../domain/pool.ts';
import type { App } from './app.ts';
import { checkCountries } from './check-countries.ts';
import { checkRecording } from './check-recording.ts';
import { checkStockPolicy } from './check-stock-policy.ts';

export interface UpdatePoolParams {
  readonly tenant: string;
  readonly name: string;
  readonly changes: Partial<PoolPolicy>;
}

/**
 * Changes a pool. What is open keeps the limits that it was opened with; the rest of what closes from now on
 * follows the new clocks. The mode changes only while nothing of the pool is in use, because the two modes
 * promise different things about a number.
 * @throws MasklineError MASK_POOL_IN_USE, MASK_INVALID_REQUEST, MASK_UNKNOWN_PROVIDER_ACCOUNT
 */
export async function updatePool(app: App, params: UpdatePoolParams): Promise<Pool | null> {
  const { tenant, name, changes } = params;
  checkCountries(changes);
  if (changes.recording || changes.stock) await checkChange(app, params);
  const updated = await app.storage.transaction(tenant, async (storage) => {
    const pool = await storage.pools.get(name);
    if (!pool) return null;
    const changed: Pool = { ...pool, ...changes };
    await checkStockPolicy(storage, changed.stock);
    if (changed.mode !== pool.mode && (await storage.pools.inUse(name, app.clock.now()))) {
      throw new MasklineError(
        'MASK_POOL_IN_USE',
        'The mode changes only while no session is open and no number rests. Make another pool, or wait.',
      );
    }
    await storage.pools.update(changed);
    return changed;
  });
  if (updated) {
    app.poolRules.forget(tenant, name);
    app.wake.stock.raise();
    app.wake.pending.raise();
  }
  return updated;
}

async function checkChange(app: App, { tenant, name, changes }: UpdatePoolParams): Promise<void> {
  const [pool, present] = await app.storage.run(tenant, async ({ pools }) => [
    await pools.get(name),
    await pools.accounts(name),
  ]);
  if (pool) await checkRecording(app, tenant, { ...pool, ...changes }, present);
}
