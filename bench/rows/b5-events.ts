import { randomUUID } from 'node:crypto';
import { createKafkaTopics } from '../../src/bus/kafka/kafka-admin.ts';
import type { Bus, BusMessage } from '../../src/bus/bus.ts';
import { runAsAdmin } from '../../src/storage/testing/open-test-postgres.ts';
import { createDeployment, type Deployment } from '../../test/production/deployment.ts';
import { assigned, OrderLoad, openTestBus, percentile } from '../../test/production/order-load.ts';
import { OwnBroker } from '../../test/production/own-broker.ts';
import { Replica } from '../../test/production/replica.ts';
import { POOL } from '../../test/production/seed.ts';
import type { BenchOptions, BenchRow } from '../bench-row.ts';
import { measureFloor } from '../session-floor.ts';
import { measureSingly } from '../singly.ts';

export const BATCH = 200;
const FULL = { events: 12_000, rounds: 3, singly: 1_500, latencySeconds: 10 };
const SMOKE = { events: 3_000, rounds: 1, singly: 200, latencySeconds: 0 };
const RATE_AIM = 10_000;
const RATIO_AIM = 1 / 3;
const LATENCY_RATE = 500;
const LATENCY_AIM_MS = 250;
const SHARED_POOL = 'shared-city';
const SHARED_NUMBERS = 1_000;
export const POSTGRES = { fsync: 'on', full_page_writes: 'on', shared_buffers: '256MB', max_wal_size: '4GB' };

/** From `order.driver_assigned` on Kafka to `session.opened` on Kafka, through one `maskline serve`. */
export async function measureB5({ smoke, progress }: BenchOptions): Promise<BenchRow[]> {
  const size = smoke ? SMOKE : FULL;
  progress('B5: start');
  const own = process.env.KAFKA_BROKERS === undefined ? await OwnBroker.start() : null;
  const deployment = await createDeployment(own?.address ?? process.env.KAFKA_BROKERS ?? '', {
    // What one round and the latency take; each floor gives back what was taken before.
    numbers: 2 * (size.events + size.singly + size.latencySeconds * LATENCY_RATE) + 2_000,
    postgres: POSTGRES,
  });
  try {
    await makeSharedPool(deployment);
    const seen = { broker: [], floor: [], singly: [], dedicated: [], shared: [] } as Record<string, number[]>;
    for (let round = 1; round <= size.rounds; round++) {
      progress(`B5: round ${round} of ${size.rounds}`);
      seen.broker?.push(await measureBroker(deployment.brokers, size.events));
      seen.floor?.push(await measureFloor(deployment, size.events, BATCH));
      seen.dedicated?.push(await measureThroughput(deployment, POOL, size.events));
      if (!smoke) seen.shared?.push(await measureThroughput(deployment, SHARED_POOL, size.events));
      seen.singly?.push(await measureSingly(deployment, size.singly));
    }
    const latencies = size.latencySeconds > 0 ? await measureLatency(deployment, size.latencySeconds) : null;
    return [
      ...[POOL, SHARED_POOL].flatMap((pool) => rateRow(pool === POOL ? 'dedicated' : 'shared', seen, size)),
      ...(latencies ? [latencyRow(latencies)] : []),
    ];
  } finally {
    await deployment.stop();
    await own?.clean();
  }
}

function rateRow(
  mode: 'dedicated' | 'shared',
  seen: Record<string, number[]>,
  size: typeof FULL,
): BenchRow | [] {
  const rates = seen[mode] ?? [];
  if (rates.length === 0) return [];
  const [value, broker, floor] = [rates, seen.broker ?? [], seen.floor ?? []].map(median) as [
    number,
    number,
    number,
  ];
  const limit = Math.min(broker, floor);
  return {
    id: 'B5',
    title: `order.driver_assigned → session.opened on Kafka, ${mode} pool`,
    unit: 'events/s',
    value,
    limit,
    rival: median(seen.singly ?? []),
    ratio: value / limit,
    aim: `≥ ${RATE_AIM} events/s or ≥ 0.33 of the lower limit`,
    met: value >= RATE_AIM || value / limit >= RATIO_AIM,
    spread: { low: Math.min(...rates), high: Math.max(...rates) },
    details: {
      'broker alone, the same bytes produced and consumed, events/s': Math.round(broker),
      [`database alone, the same rows in batches of ${BATCH}, sessions/s`]: Math.round(floor),
      rival: 'one event per transaction, eight at a time, on the same database',
      'events a round': size.events,
      rounds: size.rounds,
    },
  };
}

function latencyRow(latencies: readonly number[]): BenchRow {
  const p99 = percentile(latencies, 0.99);
  return {
    id: 'B5',
    title: `p99 from event to announcement at ${LATENCY_RATE}/s`,
    unit: 'ms',
    value: p99,
    limit: null,
    rival: null,
    ratio: null,
    aim: `≤ ${LATENCY_AIM_MS} ms`,
    met: p99 <= LATENCY_AIM_MS,
    details: { 'p50, ms': Math.round(percentile(latencies, 0.5)), events: latencies.length },
  };
}

/** A pool like the first, in shared mode, with numbers that no country has. */
export function makeSharedPool({ databaseUrl }: Pick<Deployment, 'databaseUrl'>): Promise<unknown> {
  return runAsAdmin(
    databaseUrl,
    `set search_path = maskline;
     insert into pool select (jsonb_populate_record(p, '{"name":"${SHARED_POOL}","mode":"shared"}')).* from pool p where p.name = '${POOL}';
     insert into virtual_number (tenant, virtual_number, pool, provider_account, capabilities, state, idle_at, created_at)
     select tenant, '+9991' || lpad(n::text, 8, '0'), '${SHARED_POOL}', provider_account, capabilities, state, idle_at, created_at
       from (select * from virtual_number limit 1) one, generate_series(1, ${SHARED_NUMBERS}) n`,
  );
}

function toMessage(reference: string, n: number, pool: string): BusMessage {
  return {
    key: reference,
    value: Buffer.from(JSON.stringify(assigned(reference, n, { pool }))),
    headers: { 'content-type': 'application/cloudevents+json' },
  };
}

export async function measureBroker(brokers: string, events: number): Promise<number> {
  const topic = `bytes-${randomUUID().slice(0, 8)}`;
  await createKafkaTopics({ brokers: brokers.split(','), clientId: 'bench' }, [
    { name: topic, partitions: 4, replicas: 1 },
  ]);
  const bus = openTestBus(brokers);
  const messages = Array.from({ length: events }, (_, n) => toMessage(`bytes-${n}`, n, POOL));
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
export async function measureThroughput(
  { topics, environment, brokers }: Deployment,
  pool: string,
  events: number,
): Promise<number> {
  const bus = openTestBus(brokers);
  // What was announced is counted by the length of the topic: reading it would compete for the same processors.
  const announced = async (): Promise<number> => Number((await bus.lag(topics.masking, 'nobody')) ?? 0n);
  const before = await announced();
  await publishEvents(bus, topics.orders, pool, events);
  const replica = await Replica.start(environment);
  let first: { at: number; count: number } | null = null;
  for (;;) {
    const count = (await announced()) - before;
    const at = performance.now();
    // The first fifth belongs to the start: joining the group, preparing statements, compiling.
    if (first === null && count >= events / 5) first = { at, count };
    if (count >= events && first) {
      await bus.close();
      await replica.kill('SIGTERM');
      return (1_000 * (count - first.count)) / (at - first.at);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function publishEvents(bus: Bus, topic: string, pool: string, events: number): Promise<void> {
  const run = randomUUID().slice(0, 8);
  const messages = Array.from({ length: events }, (_, n) => toMessage(`${run}-${n}`, n, pool));
  for (let i = 0; i < events; i += 1_000) await bus.publish(topic, messages.slice(i, i + 1_000));
}

/** Milliseconds from the acknowledgement of an event to its announcement, at a rate that is far below the limit. */
export async function measureLatency(deployment: Deployment, seconds: number): Promise<number[]> {
  const replica = await Replica.start(deployment.environment);
  const load = new OrderLoad(deployment);
  await load.listen();
  // The first batches compile what the others use.
  await load.send(200);
  await load.settle(30_000);
  const references: string[] = [];
  const tickMs = 20;
  const from = performance.now();
  for (let tick = 0; tick < (seconds * 1_000) / tickMs; tick++) {
    references.push(...(await load.send((LATENCY_RATE * tickMs) / 1_000)));
    const wait = from + (tick + 1) * tickMs - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  }
  await load.settle(60_000);
  await load.check(deployment.database);
  const latencies = load.latencies(references);
  await load.close();
  await replica.kill('SIGTERM');
  return latencies;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
