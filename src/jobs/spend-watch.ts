import type { App } from '../app/app.ts';
import { HOUR_MS, hourOf } from '../app/call-caps.ts';
import { raiseEvent } from '../app/raise-event.ts';
import type { SpendRow } from '../storage/spend-storage.ts';
import type { Job } from './job.ts';
import { Lease } from './lease.ts';

const KEPT_HOURS = 90 * 24;

/**
 * Measures every five seconds what was talked in this hour, which caps on minutes go by, and says when a cap that was
 * reached is over with its hour. One replica measures; each shows what is open in its metrics.
 */
export function spendWatch(app: App, { holder }: { readonly holder: string }): Job {
  const lease = new Lease('spend', holder, app.storage.system, app.clock);
  let forgottenAt = 0;
  return {
    name: 'spend-watch',
    intervalMs: 5_000,
    wake: null,
    async run() {
      const now = app.clock.now();
      const hour = hourOf(now);
      if (await lease.hold()) await app.storage.spend.measureTalk(hour, now);
      const rows = await app.storage.spend.open(hour, now);
      showOpen(
        app,
        rows.filter((row) => row.hour === hour),
      );
      for (const row of rows) if (row.hour < hour) await announceLifted(app, row);
      if (hour === forgottenAt) return;
      await app.storage.spend.forgetBefore(hour - KEPT_HOURS * HOUR_MS);
      forgottenAt = hour;
    },
    release: () => lease.release(),
  };
}

function showOpen(app: App, open: readonly SpendRow[]): void {
  app.metrics.callCapOpen.reset();
  for (const { tenant, scope } of open) app.metrics.callCapOpen.set({ tenant, account: scope }, 1);
}

/** Whichever replica has closed it says so; should that fail, only the announcement is missing. */
async function announceLifted(app: App, row: SpendRow): Promise<void> {
  const event = raiseEvent(app, 'call_cap.lifted', row.scope || row.tenant, {
    providerAccount: row.scope || null,
    by: 'hour',
  });
  await app.storage.run(row.tenant, ({ outboxAppend }) => outboxAppend([event]));
  app.wake.outbox.raise();
}
