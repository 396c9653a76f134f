import { TENANT_SCOPE } from '../storage/spend-storage.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { App } from './app.ts';
import { hourOf } from './call-caps.ts';
import { raiseEvent } from './raise-event.ts';

/**
 * Allows a cap once more for the hour that runs. Every replica knows within a second.
 * @param providerAccount null: the cap of the whole tenant
 * @returns false when nothing was connected there in this hour
 */
export async function liftCallCap(
  app: Pick<App, 'storage' | 'clock' | 'random' | 'wake'>,
  tenant: string,
  providerAccount: string | null,
): Promise<boolean> {
  const lifted = await app.storage.transaction(tenant, (storage) =>
    liftInTransaction(app, storage, tenant, providerAccount),
  );
  if (lifted) app.wake.outbox.raise();
  return lifted;
}

export async function liftInTransaction(
  app: Pick<App, 'clock' | 'random'>,
  storage: TenantStorage,
  tenant: string,
  providerAccount: string | null,
): Promise<boolean> {
  const now = app.clock.now();
  if (!(await storage.spend.lift(providerAccount ?? TENANT_SCOPE, hourOf(now), now))) return false;
  const data = { providerAccount, by: 'command' } as const;
  await storage.outboxAppend([raiseEvent(app, 'call_cap.lifted', providerAccount ?? tenant, data)]);
  return true;
}
