import type { App } from '../app/app.ts';
import { closeOverdueCalls } from '../app/close-overdue-calls.ts';
import { LIMITS } from '../app/limits.ts';
import type { Job } from './job.ts';

export function callCloser(app: App): Job {
  return {
    name: 'call-closer',
    intervalMs: 30_000,
    wake: null,
    async run(signal) {
      while (!signal.aborted && (await closeOverdueCalls(app)) === LIMITS.expiryBatch);
    },
  };
}
