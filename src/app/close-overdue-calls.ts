import { ProviderError } from '../providers/provider.ts';
import type { App } from './app.ts';
import { askCallEnd, canSayCallEnds } from './ask-call-end.ts';
import { LIMITS } from './limits.ts';
import { closeOverdueCall } from './record-leg-status.ts';

/**
 * Closes calls that must have ended by their own limits, but whose end was never reported: with what the provider
 * says, or with an estimate that says that it is one. A provider that cannot be asked now is waited for, up to
 * LIMITS.callEndPatienceSeconds. Returns how many were looked at and closed.
 */
export async function closeOverdueCalls(app: App): Promise<number> {
  const now = app.clock.now();
  const before = now - LIMITS.callOverdueSeconds * 1_000;
  const overdue = await app.storage.system.overdueCalls(before, LIMITS.expiryBatch);
  let closed = 0;
  for (const { tenant, id } of overdue) {
    if (await closeOne(app, tenant, id)) closed++;
  }
  return closed;
}

async function closeOne(app: App, tenant: string, id: string): Promise<boolean> {
  const call = await app.storage.run(tenant, (storage) => storage.calls.get(id));
  if (!call) return false;
  const account = await app.providerAccounts.byName(tenant, call.providerAccount).catch(() => null);
  if (account && canSayCallEnds(account)) {
    try {
      if (await askCallEnd(app, account, call.providerCallId)) return true;
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      if (await isWorthWaiting(app, tenant, id)) return false;
    }
  }
  await closeOverdueCall(app, tenant, id);
  return true;
}

async function isWorthWaiting(app: App, tenant: string, id: string): Promise<boolean> {
  const patience = (LIMITS.callOverdueSeconds + LIMITS.callEndPatienceSeconds) * 1_000;
  const overdueSince = await app.storage.run(tenant, (storage) => storage.calls.endsBy(id));
  return overdueSince !== null && app.clock.now() < overdueSince + patience;
}
