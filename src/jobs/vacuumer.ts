import type { Log } from '../observe/log.ts';
import type { Job } from './job.ts';

/** Tables that were changed in this time by a busy demo are vacuumed in a fraction of the 400 ms that a call may wait. */
const INTERVAL_MS = 20_000;

/** Keeps the embedded database, which has no autovacuum, as PostgreSQL keeps itself: one table in each run. */
export function vacuumer(deps: {
  readonly vacuumNext: () => Promise<string | null>;
  readonly log: Log;
}): Job {
  return {
    name: 'vacuumer',
    intervalMs: INTERVAL_MS,
    wake: null,
    async run() {
      const table = await deps.vacuumNext();
      if (table !== null) deps.log.debug({ table }, 'A table of the embedded database was vacuumed.');
    },
  };
}
