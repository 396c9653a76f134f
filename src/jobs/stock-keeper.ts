import type { App } from '../app/app.ts';
import { replenishPool } from '../app/replenish-pool.ts';
import type { Job } from './job.ts';
import { Lease } from './lease.ts';

/** Looks at the stock of every pool: at start, when an order comes or an assignment takes numbers, and regularly. */
export function stockKeeper(app: App, deps: { holder: string }): Job {
  const lease = new Lease('stock', deps.holder, app.storage.system, app.clock);
  return {
    name: 'stock-keeper',
    intervalMs: 5_000,
    wake: app.wake.stock,
    async run(signal) {
      for (const { tenant, pool } of await app.storage.system.poolList()) {
        if (signal.aborted || !(await lease.hold())) return;
        const { bought } = await replenishPool(app, tenant, pool, () => lease.hold());
        if (bought > 0) app.log.info({ pool, bought }, 'Bought virtual numbers.');
      }
    },
    release: () => lease.release(),
  };
}
