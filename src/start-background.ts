import { hostname } from 'node:os';
import type { App } from './app/app.ts';
import { toDelivery } from './app/webhook-payload.ts';
import type { Bus } from './bus/bus.ts';
import { encodeCloudEvent } from './bus/cloud-events.ts';
import type { ServiceConfig } from './config.ts';
import { gatheredUseCases } from './consumers/gathered-use-cases.ts';
import { keepSubscribed } from './consumers/keep-subscribed.ts';
import { createOrdersConsumer, ORDERS_BATCH_SIZE } from './consumers/orders.ts';
import type { CreatedBus } from './create-bus.ts';
import { callCloser } from './jobs/call-closer.ts';
import { historian } from './jobs/historian.ts';
import { type Job, type RunningJob, startJob } from './jobs/job.ts';
import { numberReconciler } from './jobs/number-reconciler.ts';
import { outboxPublisher } from './jobs/outbox-publisher.ts';
import { pendingServer } from './jobs/pending-server.ts';
import { privacyKeeper } from './jobs/privacy-keeper.ts';
import { sessionExpirer } from './jobs/session-expirer.ts';
import { spendWatch } from './jobs/spend-watch.ts';
import { stockKeeper } from './jobs/stock-keeper.ts';
import { trimmer } from './jobs/trimmer.ts';
import { webhookDeliverer } from './jobs/webhook-deliverer.ts';
import { createId } from './lib/id.ts';
import type { Started } from './stop-all.ts';
import type { OutboxRow } from './storage/storage.ts';
import { createGuardedSender } from './webhooks-out/guarded-sender.ts';

/** The `source` of every event that we publish. */
const EVENT_SOURCE = '/maskline';

/** Whatever happens by itself: publishing, closing, expiring, buying, deleting. */
export function startJobs(
  config: ServiceConfig,
  app: App,
  { bus, trim }: CreatedBus,
  started: Started,
): void {
  // A process that has its database to itself takes its own leases up again after a crash, at once.
  const holder =
    config.databaseUrl === null ? 'embedded' : createId(`job-${hostname()}`, app.clock, app.random);
  const publisher = outboxPublisher(app, {
    bus,
    topic: config.topics.masking,
    holder,
    encode: toBusMessage,
    fanOut: async (rows) => {
      await app.storage.webhooks.fanOut(rows.map(toDelivery), app.clock.now());
    },
  });
  const send = createGuardedSender({ allowLoopback: app.allowsLoopbackWebhooks === true });
  const jobs: Job[] = [
    stockKeeper(app, { holder }),
    pendingServer(app),
    sessionExpirer(app),
    callCloser(app),
    numberReconciler(app, { holder }),
    trimmer(app, { trimBus: trim, inboxDays: config.retention.inboxDays }),
    historian(app, config.retention),
    webhookDeliverer(app, { send }),
    spendWatch(app, { holder }),
    privacyKeeper(app, { holder, numberDays: config.retention.numberDays }),
  ];
  const publishing = startJob(publisher, app);
  started.push({
    name: 'outbox-publisher',
    async stop() {
      await publishing.stop();
      // The last batches in hand may have announced something since.
      await publisher.run(new AbortController().signal);
      await publisher.release?.();
    },
  });
  for (const job of jobs) {
    const running: RunningJob = startJob(job, app);
    started.push({ name: running.name, stop: () => running.stop() });
  }
}

/** Whatever the Orders service says. */
export function startConsumer(config: ServiceConfig, app: App, bus: Bus, started: Started): void {
  const { clock, random, log } = app;
  const handle = createOrdersConsumer({
    tenant: config.tenant,
    useCases: gatheredUseCases(app),
    bus,
    deadLetterTopic: config.topics.deadLetter,
    vault: app.vault,
    clock,
    random,
    log,
    metrics: app.metrics,
  });
  const { topics, consumerGroup: group } = config;
  const subscription = { topic: topics.orders, group, handle, batchSize: ORDERS_BATCH_SIZE };
  const consumer = keepSubscribed(bus, subscription, { clock, random, log });
  started.push({ name: 'orders consumer', stop: () => consumer.stop() });
}

function toBusMessage(row: OutboxRow): ReturnType<typeof encodeCloudEvent> {
  const { type, key, data } = row.event;
  return encodeCloudEvent({
    id: row.eventId,
    source: EVENT_SOURCE,
    type,
    key,
    subject: key,
    time: row.occurredAt,
    data,
  });
}
