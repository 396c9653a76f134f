import type { App } from '../app/app.ts';
import type { HistoryKind } from '../storage/storage.ts';
import type { Job } from './job.ts';

const BITE = 1_000;
const DAY_MS = 86_400_000;

/** Days for which each kind of history is kept after its end. */
export interface Retention {
  /** calls, their progress, and texts */
  readonly callDays: number;
  /** closed sessions, and orders with them */
  readonly sessionDays: number;
  /** sealed real numbers of closed sessions */
  readonly numberDays: number;
}

/**
 * Deletes history that is past its time, in bites of 1,000 rows, each its own short transaction, so that a year of
 * traffic slows nothing down and no call waits for the deleting. Any number of replicas may do it.
 */
export function historian(app: App, retention: Retention): Job {
  const days: readonly (readonly [HistoryKind, number])[] = [
    ['realNumbers', retention.numberDays],
    ['calls', retention.callDays],
    ['messages', retention.callDays],
    ['sessions', retention.sessionDays],
    ['references', retention.sessionDays],
  ];
  return {
    name: 'historian',
    intervalMs: 60_000,
    wake: null,
    async run(signal) {
      for (const [kind, kept] of days) {
        const before = app.clock.now() - kept * DAY_MS;
        while (!signal.aborted) {
          const count = await app.storage.system.expunge(kind, before, BITE);
          app.metrics.expunged.inc({ kind }, count);
          if (count < BITE) break;
        }
      }
    },
  };
}
