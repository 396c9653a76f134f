import type { App } from '../app/app.ts';
import { expireSessions } from '../app/expire-sessions.ts';
import { LIMITS } from '../app/limits.ts';
import type { Job } from './job.ts';

export function sessionExpirer(app: App): Job {
  return {
    name: 'session-expirer',
    intervalMs: 1_000,
    wake: null,
    async run(signal) {
      while (!signal.aborted && (await expireSessions(app)) === LIMITS.expiryBatch);
    },
  };
}
