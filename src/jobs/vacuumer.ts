import type { Log } from '../observe/log.ts';
import type { Job } from './job.ts';

/**
 * What a busy demo changes in this time is vacuumed in a fraction of the 400 ms that a call may wait, and the ten tables that a
 * first rush fills have statistics within a minute: until then their statements have the plans of empty ones.
 */
const INTERVAL_MS = 5_000;

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
