import type { App } from '../app/app.ts';
import { closeOverdueCalls } from '../app/close-overdue-calls.ts';
import { settleQuietCalls } from '../app/settle-quiet-calls.ts';
import { LIMITS } from '../app/limits.ts';
import type { Job } from './job.ts';

/** Settles calls whose end nobody reported: asks their providers first, and closes what is over by its limits. */
export function callCloser(app: App): Job {
  return {
    name: 'call-closer',
    intervalMs: 30_000,
    wake: null,
    async run(signal) {
      await settleQuietCalls(app);
      while (!signal.aborted && (await closeOverdueCalls(app)) === LIMITS.expiryBatch);
    },
  };
}
