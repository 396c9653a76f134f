import type { App } from './app.ts';
import { LIMITS } from './limits.ts';
import { closeOverdueCall } from './record-leg-status.ts';

/** Closes calls that must have ended by their own limits, but whose end was never reported. Returns how many. */
export async function closeOverdueCalls(app: App): Promise<number> {
  const before = app.clock.now() - LIMITS.callOverdueSeconds * 1_000;
  const overdue = await app.storage.system.overdueCalls(before, LIMITS.expiryBatch);
  for (const { tenant, id } of overdue) await closeOverdueCall(app, tenant, id);
  return overdue.length;
}
