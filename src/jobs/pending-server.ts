import type { App } from '../app/app.ts';
import { servePending } from '../app/serve-pending.ts';
import type { Job } from './job.ts';

/** Gives numbers to the sessions that wait for one, as soon as there are any: bought, rested, or given back. */
export function pendingServer(app: App): Job {
  return {
    name: 'pending-server',
    intervalMs: 1_000,
    wake: app.wake.pending,
    async run(signal) {
      for (const { tenant, pool } of await app.storage.system.pendingPools()) {
        if (signal.aborted) return;
        const opened = await servePending(app, tenant, pool);
        if (opened > 0) app.log.info({ pool, opened }, 'Sessions that waited got their numbers.');
      }
    },
  };
}
