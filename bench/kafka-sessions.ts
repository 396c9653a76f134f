// From `order.driver_assigned` on Kafka to `session.opened` on Kafka, through one `maskline serve`, printed beside
// (a) what the broker itself does with the same bytes and (b) what the database does with the same rows in batches
// of the same size.  KAFKA_BROKERS=host:port node bench/kafka-sessions.ts [events]
import { randomUUID } from 'node:crypto';
import { availableParallelism, loadavg } from 'node:os';
import { createKafkaTopics } from '../src/bus/kafka/kafka-admin.ts';
import { createDeployment, type Deployment } from '../test/production/deployment.ts';
import { assigned, OrderLoad, openTestBus, percentile } from '../test/production/order-load.ts';
import { Replica } from '../test/production/replica.ts';
import { measureFloor } from './session-floor.ts';

const BATCH = 200;
const LATENCY_RATE = 500;
const LATENCY_SECONDS = Number(process.env.BENCH_LATENCY_SECONDS ?? 10);
const events = Number(process.argv[2] ?? 10_000);
const brokers = process.env.KAFKA_BROKERS;
if (!brokers) throw new Error('Set KAFKA_BROKERS; `scripts/kafka start` prints an address.');

const mode = process.env.BENCH_POOL_MODE === 'shared' ? 'shared' : 'dedicated';
const latencyEvents = LATENCY_RATE * LATENCY_SECONDS;
const numbers = Math.min(40_000, mode === 'shared' ? 1_000 : 2 * (events + latencyEvents) + 2_000);
const deployment = await createDeployment(brokers, {
  numbers,
  pool: { mode },
  postgres: { fsync: 'on', full_page_writes: 'on', shared_buffers: '256MB', max_wal_size: '4GB' },
});
try {
  const broker = await measureBroker(deployment);
  const floor = await measureFloor(deployment, events, BATCH);
  const rate = await measureThroughput(deployment);
  const lower = Math.min(broker, floor);
  console.log(
    `machine                                         ${availableParallelism()} processors, load ${loadavg()[0]?.toFixed(1)}`,
  );
  console.log(`pool                                            ${mode}, ${numbers} numbers`);
  console.log(`(a) broker, produce and consume the same bytes  ${Math.round(broker)} events/s`);
  console.log(`(b) database, the same rows in batches of ${BATCH}    ${Math.round(floor)} sessions/s`);
  console.log(`order.driver_assigned → session.opened          ${Math.round(rate)} events/s`);
  console.log(`share of the lower limit                        ${((100 * rate) / lower).toFixed(0)} %`);
  await measureLatency(deployment);
} finally {
  await deployment.stop();
}

function toMessage(reference: string, n: number) {
  return {
    key: reference,
    value: Buffer.from(JSON.stringify(assigned(reference, n))),
    headers: { 'content-type': 'application/cloudevents+json' },
  };
}

async function measureBroker({ brokers }: Deployment): Promise<number> {
  const topic = `bytes-${randomUUID().slice(0, 8)}`;
  await createKafkaTopics({ brokers: brokers.split(','), clientId: 'bench' }, [
    { name: topic, partitions: 4, replicas: 1 },
  ]);
  const bus = openTestBus(brokers);
  const messages = Array.from({ length: events }, (_, n) => toMessage(`bytes-${n}`, n));
  let seen = 0;
  const done = Promise.withResolvers<void>();
  await bus.subscribe({
    topic,
    group: topic,
    batchSize: BATCH,
    handle: async (batch) => {
      seen += batch.length;
      if (seen >= events) done.resolve();
    },
  });
  const from = performance.now();
  for (let i = 0; i < messages.length; i += BATCH) await bus.publish(topic, messages.slice(i, i + BATCH));
  await done.promise;
  const rate = (1_000 * events) / (performance.now() - from);
  await bus.close();
  return rate;
}

/** The events are on the topic before the service starts, so that making them does not compete with it. */
async function measureThroughput({ topics, environment }: Deployment): Promise<number> {
  const bus = openTestBus(deployment.brokers);
  for (let i = 0; i < events; i += 1_000) {
    const count = Math.min(1_000, events - i);
    await bus.publish(
      topics.orders,
      Array.from({ length: count }, (_, k) => toMessage(`bench-${i + k}`, i + k)),
    );
  }
  const replica = await Replica.start(environment);
  // What was announced is counted by the length of the topic: reading it would compete for the same processors.
  const announced = async (): Promise<number> => Number((await bus.lag(topics.masking, 'nobody')) ?? 0n);
  let first: { at: number; count: number } | null = null;
  for (;;) {
    const count = await announced();
    const at = performance.now();
    // The first tenth belongs to the start: joining the group, preparing statements, compiling.
    if (first === null && count >= events / 10) first = { at, count };
    if (count >= events && first) {
      await bus.close();
      await replica.kill('SIGTERM');
      return (1_000 * (count - first.count)) / (at - first.at);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function measureLatency({ environment, database }: Deployment): Promise<void> {
  const replica = await Replica.start(environment);
  const load = new OrderLoad(deployment);
  await load.listen();
  await load.send(20);
  await load.settle(30_000);
  const references: string[] = [];
  const tickMs = 20;
  const from = performance.now();
  for (let tick = 0; tick < (LATENCY_SECONDS * 1_000) / tickMs; tick++) {
    references.push(...(await load.send((LATENCY_RATE * tickMs) / 1_000)));
    const wait = from + (tick + 1) * tickMs - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  }
  const seconds = (performance.now() - from) / 1_000;
  await load.settle(60_000);
  await load.check(database);
  const latencies = load.latencies(references);
  console.log(
    `latency at ${Math.round(references.length / seconds)}/s for ${seconds.toFixed(0)} s` +
      `                        p50 ${percentile(latencies, 0.5).toFixed(0)} ms, p99 ${percentile(latencies, 0.99).toFixed(0)} ms`,
  );
  await load.close();
  await replica.kill('SIGTERM');
}
