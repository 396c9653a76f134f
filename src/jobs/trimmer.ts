import type { App } from '../app/app.ts';
import type { Job } from './job.ts';

const BATCH = 1_000;
const DAY_MS = 86_400_000;
/** Deletes routes whose rest is over, and what was kept only to recognise repetitions, in small bites. */
export function trimmer(
  app: App,
  deps: {
    readonly trimBus: (() => Promise<number>) | null;
    /** longer than a topic keeps its events, so that none is applied twice when a topic is read from its start */
    readonly inboxDays: number;
  },
): Job {
  return {
    name: 'trimmer',
    intervalMs: 60_000,
    wake: null,
    async run(signal) {
      await deps.trimBus?.();
      for (;;) {
        const now = app.clock.now();
        const before = { routes: now, inbox: now - deps.inboxDays * DAY_MS, idempotency: now };
        const deleted = await app.storage.system.trim(before, BATCH);
        if (deleted < BATCH || signal.aborted) return;
      }
    },
  };
}
