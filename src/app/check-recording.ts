import { MasklineError } from '../domain/errors.ts';
import { type PoolPolicy, stockAccounts } from '../domain/pool.ts';
import type { App } from './app.ts';

/**
 * Refuses a pool that records where one of its accounts cannot: half of the calls would be recorded, and nobody
 * would know which. Ask before a transaction begins: the accounts are looked up in storage.
 * @param present further accounts that numbers of the pool are of
 * @throws MasklineError MASK_INVALID_REQUEST
 */
export async function checkRecording(
  app: App,
  tenant: string,
  policy: Pick<PoolPolicy, 'recording' | 'stock'>,
  present: readonly string[],
): Promise<void> {
  if (policy.recording === null) return;
  for (const name of new Set([...(policy.stock ? stockAccounts(policy.stock) : []), ...present])) {
    const account = await app.providerAccounts.byName(tenant, name);
    if (!account || account.provider.capabilities.recording) continue;
    throw new MasklineError(
      'MASK_INVALID_REQUEST',
      `Provider account "${name}" cannot record calls. Set \`recording\` to null, or use another account for this pool.`,
    );
  }
}
