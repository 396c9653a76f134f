import type { App } from '../app/app.ts';
import { applyLateBlocks } from '../app/block-person.ts';
import { expireSessions } from '../app/expire-sessions.ts';
import { LIMITS } from '../app/limits.ts';
import type { Job } from './job.ts';

export function sessionExpirer(app: App): Job {
  return {
    name: 'session-expirer',
    intervalMs: 1_000,
    wake: null,
    async run(signal) {
      const stopped = await applyLateBlocks(app);
      if (stopped > 0)
        app.log.info({ stopped }, 'Routes that opened while somebody was blocked were stopped.');
      while (!signal.aborted && (await expireSessions(app)) === LIMITS.expiryBatch);
    },
  };
}
