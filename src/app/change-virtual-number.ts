import { MasklineError } from '../domain/errors.ts';
import { type VirtualNumber, VirtualNumberState } from '../domain/virtual-number.ts';
import type { VirtualNumberRow } from '../storage/virtual-number-storage.ts';
import { ProviderError } from '../providers/provider.ts';
import type { App } from './app.ts';
import { decommissionNumber } from './decommission-number.ts';
import { raiseEvent } from './raise-event.ts';
import { BudgetSpentError } from './reserve-intent.ts';

export interface ChangeVirtualNumberParams {
  readonly tenant: string;
  readonly virtualNumber: VirtualNumber;
  readonly state?: VirtualNumberState;
  readonly pool?: string;
}

/**
 * Changes what we have decided about a number. Sessions that it serves go on, except that it cannot move to
 * another pool or be decommissioned while it serves one or rests. `decommissioned` gives it back to its provider.
 * @throws MasklineError MASK_VIRTUAL_NUMBER_IN_USE, MASK_UNKNOWN_POOL, MASK_DEPENDENCY_UNAVAILABLE
 */
export async function changeVirtualNumber(
  app: App,
  params: ChangeVirtualNumberParams,
): Promise<VirtualNumberRow | null> {
  const { tenant, virtualNumber, state, pool } = params;
  if (state === VirtualNumberState.Decommissioned) await giveBack(app, params);
  const changed = await app.storage.transaction(tenant, async (storage) => {
    const before = await storage.virtualNumbers.lock(virtualNumber);
    if (!before) return null;
    const moves = pool !== undefined && pool !== before.pool;
    if (moves && (await storage.virtualNumbers.inUse(virtualNumber, app.clock.now()))) {
      throw new MasklineError(
        'MASK_VIRTUAL_NUMBER_IN_USE',
        'The number serves a session or rests after one. Set its state to "draining" and try again later.',
      );
    }
    if (moves) {
      if (!(await storage.pools.get(pool))) {
        throw new MasklineError(
          'MASK_UNKNOWN_POOL',
          `There is no pool "${pool}". Create it with POST /v1/pools.`,
        );
      }
      await storage.virtualNumbers.setPool(virtualNumber, pool);
    }
    // One that was given back has been noted as such, and may be ours again by now: bought by another replica.
    if (state !== undefined && state !== VirtualNumberState.Decommissioned && state !== before.state) {
      await storage.virtualNumbers.setState(virtualNumber, state);
      if (state === VirtualNumberState.Suspended) {
        const data = {
          virtualNumber,
          pool: pool ?? before.pool,
          providerAccount: before.providerAccount,
          reason: 'requested',
        };
        await storage.outboxAppend([raiseEvent(app, 'virtual_number.suspended', virtualNumber, data)]);
      }
    }
    return storage.virtualNumbers.get(virtualNumber);
  });
  if (changed) {
    app.wake.outbox.raise();
    app.wake.pending.raise();
    app.wake.stock.raise();
  }
  return changed;
}

/** Nothing is lost when the provider fails now: the intent stays, and is carried out in the background. */
async function giveBack(app: App, { tenant, virtualNumber }: ChangeVirtualNumberParams): Promise<void> {
  try {
    await decommissionNumber(app, { tenant, virtualNumber });
  } catch (error) {
    if (error instanceof BudgetSpentError) {
      throw new MasklineError('MASK_DEPENDENCY_UNAVAILABLE', error.message, { cause: error });
    }
    if (!(error instanceof ProviderError)) throw error;
    throw new MasklineError(
      'MASK_DEPENDENCY_UNAVAILABLE',
      'The provider did not take the number back yet. It is draining, and will be given back as soon as possible.',
      { cause: error },
    );
  }
}
