import { MasklineError } from '../domain/errors.ts';
import { type StockPolicy, stockAccounts } from '../domain/pool.ts';
import type { TenantStorage } from '../storage/storage.ts';

/** @throws MasklineError MASK_INVALID_REQUEST, MASK_UNKNOWN_PROVIDER_ACCOUNT */
export async function checkStockPolicy(storage: TenantStorage, stock: StockPolicy | null): Promise<void> {
  if (!stock) return;
  if (stock.lowWater > stock.target || stock.target > stock.max) {
    throw new MasklineError('MASK_INVALID_REQUEST', 'A stock policy needs lowWater ≤ target ≤ max.');
  }
  for (const name of stockAccounts(stock)) {
    if (await storage.providerAccounts.get(name)) continue;
    throw new MasklineError(
      'MASK_UNKNOWN_PROVIDER_ACCOUNT',
      `There is no provider account "${name}". Add it with \`maskline providers add\`.`,
    );
  }
}
