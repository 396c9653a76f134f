import { MasklineError } from '../domain/errors.ts';
import { VirtualNumberState } from '../domain/virtual-number.ts';
import type { App, ProviderAccount } from './app.ts';
import { decommissionNumber } from './decommission-number.ts';
import { LIMITS } from './limits.ts';

/**
 * Gives back numbers of an account that were draining and that nobody needs any more, LIMITS.drainBatch of them at
 * most. Returns how many. @throws ProviderError @throws BudgetSpentError
 */
export async function decommissionDrained(app: App, account: ProviderAccount): Promise<number> {
  const { tenant, name } = account;
  let givenBack = 0;
  for (let after: string | null = null; ; ) {
    const page = await app.storage.run(tenant, (storage) =>
      storage.virtualNumbers.ofAccount(name, { limit: LIMITS.numberPage, after }),
    );
    for (const { virtualNumber, state } of page) {
      if (state !== VirtualNumberState.Draining) continue;
      if (givenBack === LIMITS.drainBatch) return givenBack;
      if (await isGivenBack(app, tenant, virtualNumber)) givenBack++;
    }
    const last = page.at(-1);
    if (!last || page.length < LIMITS.numberPage) return givenBack;
    after = last.virtualNumber;
  }
}

async function isGivenBack(
  app: App,
  tenant: string,
  virtualNumber: Parameters<typeof decommissionNumber>[1]['virtualNumber'],
): Promise<boolean> {
  try {
    return (await decommissionNumber(app, { tenant, virtualNumber })) !== null;
  } catch (error) {
    if (error instanceof MasklineError && error.code === 'MASK_VIRTUAL_NUMBER_IN_USE') return false;
    throw error;
  }
}
