import type { App } from '../app/app.ts';
import { decommissionDrained } from '../app/decommission-drained.ts';
import { reassignHolders, reconcileNumbers } from '../app/reconcile-numbers.ts';
import { BudgetSpentError } from '../app/reserve-intent.ts';
import { VirtualNumberState } from '../domain/virtual-number.ts';
import { ProviderError } from '../providers/provider.ts';
import type { Job } from './job.ts';
import { Lease } from './lease.ts';

/**
 * Compares the stock with what the providers list, notices within ten minutes what has vanished there, and gives
 * back what was draining and is idle now.
 */
export function numberReconciler(app: App, deps: { holder: string }): Job {
  const lease = new Lease('numbers', deps.holder, app.storage.system, app.clock);
  return {
    name: 'number-reconciler',
    // Two looks within the ten minutes, so that one may fail.
    intervalMs: 4 * 60_000,
    wake: null,
    async run(signal) {
      for (const { tenant, name } of await app.storage.system.providerAccountList()) {
        if (signal.aborted || !(await lease.hold())) return;
        await reconcileAccount(app, tenant, name);
      }
    },
    release: () => lease.release(),
  };
}

async function reconcileAccount(app: App, tenant: string, name: string): Promise<void> {
  try {
    const account = await app.providerAccounts.byName(tenant, name);
    if (!account) return;
    // A switch or trunk lists nothing, and knows nothing of what the carrier does with its numbers.
    if (account.provider.capabilities.provisioning !== 'none') {
      const { adopted, withdrawn } = await reconcileNumbers(app, account);
      if (adopted + withdrawn > 0)
        app.log.warn({ account: name, adopted, withdrawn }, 'The stock was set right.');
    }
    const givenBack = await decommissionDrained(app, account);
    if (givenBack > 0) app.log.info({ account: name, givenBack }, 'Gave numbers back that were draining.');
  } catch (error) {
    if (!(error instanceof ProviderError) && !(error instanceof BudgetSpentError)) throw error;
    app.log.warn(
      { account: name, error },
      'The stock of an account could not be compared; trying again later.',
    );
  }
  await finishReassignments(app, tenant);
}

/** What a crash between a withdrawal and the sessions that it touches has left undone. */
async function finishReassignments(app: App, tenant: string): Promise<void> {
  const suspended = await app.storage.run(tenant, (s) =>
    s.virtualNumbers.list({ pool: null, state: VirtualNumberState.Suspended }, { limit: 500, after: null }),
  );
  for (const row of suspended) if (row.withdrawnAt !== null) await reassignHolders(app, tenant, row);
}
