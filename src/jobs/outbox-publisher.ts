import type { App } from '../app/app.ts';
import type { Bus, BusMessage } from '../bus/bus.ts';
import type { OutboxRow } from '../storage/storage.ts';
import type { Job } from './job.ts';
import { Lease } from './lease.ts';

const BATCH = 1_000;
/**
 * Whoever holds the lease publishes for every replica, and is told of none but its own commits. It looks so often
 * that an event of another replica is published within 150 ms. LISTEN and NOTIFY would be told sooner, but a
 * commit that notifies waits for every other that does.
 */
const LOOK_MS = 100;

/**
 * Publishes what was committed, oldest first, and forgets it once the bus has it. A crash in between publishes
 * again under the same event id. One publisher at a time, so that the order of each key is the order of commits.
 */
export function outboxPublisher(
  app: App,
  deps: {
    bus: Bus;
    topic: string;
    holder: string;
    encode: (row: OutboxRow) => BusMessage;
    /** notes what is to be sent to webhooks; what it has noted before, it does not note again */
    fanOut?: (rows: readonly OutboxRow[]) => Promise<void>;
  },
): Job {
  const lease = new Lease('outbox', deps.holder, app.storage.system, app.clock);
  return {
    name: 'outbox-publisher',
    intervalMs: LOOK_MS,
    wake: app.wake.outbox,
    async run(signal) {
      while (!signal.aborted && (await lease.hold())) {
        const rows = await app.storage.system.outboxOldest(BATCH);
        if (rows.length === 0) break;
        // They are committed, so a webhook may be told a moment before the bus is.
        await deps.fanOut?.(rows);
        await deps.bus.publish(deps.topic, rows.map(deps.encode));
        await app.storage.system.outboxDelete(rows.map((row) => row.id));
        app.metrics.outboxPublished.inc(rows.length);
        if (rows.length < BATCH) break;
      }
    },
    release: () => lease.release(),
  };
}
