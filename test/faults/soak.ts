import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { statement, systemScope } from '../../src/storage/sql/connection.ts';
import type { Replica } from '../production/replica.ts';
import { FaultWorld } from './fault-world.ts';

// FLT-34: KAFKA_BROKERS=… node test/faults/soak.ts [minutes] [calls a second] [orders a second].
// Memory, handles and latency of two replicas under a steady load, and what they grow by in an hour; every two minutes
// also what is left when all garbage is collected, which is what a leak would make grow.
const [minutes = 60, callsPerSecond = 20, ordersPerSecond = 4] = process.argv.slice(2).map(Number);
const SAMPLE_MS = 15_000;
const COLLECT_MINUTES = 2;
const COLLECT_LIMIT_MS = 30_000;
const CATCH_UP_LIMIT_MS = 300_000;
const COLLECT_ON_SIGNAL = fileURLToPath(new URL('collect-on-signal.ts', import.meta.url));
const WARM_UP_MINUTES = Math.min(10, minutes / 4);
const PHASE_MINUTES = Math.max(1, Math.min(10, minutes / 6));

const MEASURES = {
  rssMB: 'process_resident_memory_bytes',
  heapMB: 'nodejs_heap_size_used_bytes',
  heapTotalMB: 'nodejs_heap_size_total_bytes',
  externalMB: 'nodejs_external_memory_bytes',
  cpuSeconds: 'process_cpu_seconds_total',
  handles: 'nodejs_active_handles_total',
  openFiles: 'process_open_fds',
} as const;
type Measure = keyof typeof MEASURES;
type Sample = { readonly hours: number } & Readonly<Record<Measure, number>>;

const tableSizes = statement(
  'soak_table_sizes',
  `select relname as name, pg_total_relation_size(oid)::float8 / 1048576 as mb
     from pg_class where relkind = 'r' and relnamespace = 'maskline'::regnamespace
    order by 2 desc limit 6`,
);

/** Null when the replica closed the connection at that moment: then there is one sample less. */
async function sample(replica: Replica, startedAt: number): Promise<Sample | null> {
  const answer = await replica.ask('GET', '/metrics').catch(() => null);
  // One that is shed is no sample either.
  if (answer?.status !== 200) return null;
  const lines = String(answer.body).split('\n');
  const values = Object.entries(MEASURES).map(([name, metric]) => {
    const own = lines.filter((line) => line.startsWith(`${metric} `) || line.startsWith(`${metric}{`));
    const sum = own.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    return [name, name.endsWith('MB') ? sum / 1_048_576 : sum];
  });
  const hours = (performance.now() - startedAt) / 3_600_000;
  return { hours, ...(Object.fromEntries(values) as Record<Measure, number>) };
}

/** Least squares: by how much it grows in an hour. */
function slope(points: readonly (readonly [hours: number, value: number])[]): number {
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const [x, y] = [mean(points.map(([hours]) => hours)), mean(points.map(([, value]) => value))];
  const over = points.reduce((sum, [hours, value]) => sum + (hours - x) * (value - y), 0);
  const under = points.reduce((sum, [hours]) => sum + (hours - x) ** 2, 0);
  return over / under;
}

const isWarm = ({ hours }: { readonly hours: number }): boolean => hours * 60 >= WARM_UP_MINUTES;

/** What was left after a collection. */
interface Collected {
  readonly hours: number;
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly malloced: number;
  readonly pauseMs: number;
}

/** Asks a replica to collect all garbage. Null when it did not in time. */
async function collect(replica: Replica, file: string, startedAt: number): Promise<Collected | null> {
  const lines = (): string[] => {
    try {
      return readFileSync(file, 'utf8').trim().split('\n');
    } catch {
      return [];
    }
  };
  const before = lines().length;
  process.kill(replica.pid ?? 0, 'SIGUSR2');
  const hours = (performance.now() - startedAt) / 3_600_000;
  for (let waitedMs = 0; waitedMs < COLLECT_LIMIT_MS; waitedMs += 200) {
    await world.passed(200);
    const now = lines();
    if (now.length > before) return { hours, ...(JSON.parse(now.at(-1) ?? '') as Omit<Collected, 'hours'>) };
  }
  return null;
}

function summaryOfCollected(all: readonly Collected[]): object {
  const warm = all.filter(isWarm);
  const of = (measure: 'rss' | 'heapUsed' | 'external' | 'malloced'): object => {
    const points = warm.map((one) => [one.hours, one[measure] / 1_048_576] as const);
    return {
      megabytes: points.map(([, value]) => Number(value.toFixed(1))),
      slopePerHour: Number(slope(points).toFixed(2)),
    };
  };
  return {
    rss: of('rss'),
    heapUsed: of('heapUsed'),
    external: of('external'),
    malloced: of('malloced'),
    pauseMs: Math.max(...all.map(({ pauseMs }) => pauseMs)),
  };
}

function summary(samples: readonly Sample[]): object {
  const warm = samples.filter(isWarm);
  const half = Math.floor(warm.length / 2);
  const smallest = (part: readonly Sample[], measure: Measure): number =>
    Math.min(...part.map((each) => each[measure]));
  return Object.fromEntries(
    (Object.keys(MEASURES) as Measure[]).map((measure) => [
      measure,
      {
        first: Number(warm[0]?.[measure].toFixed(1)),
        last: Number(warm.at(-1)?.[measure].toFixed(1)),
        // What is left after a collection tells more of a leak than what is there between two.
        smallestOfHalves: [warm.slice(0, half), warm.slice(half)].map((part) =>
          Number(smallest(part, measure).toFixed(1)),
        ),
        slopePerHour: Number(slope(warm.map((each) => [each.hours, each[measure]])).toFixed(2)),
      },
    ]),
  );
}

const brokers = process.env.KAFKA_BROKERS;
if (brokers === undefined) throw new Error('Set KAFKA_BROKERS; scripts/kafka start prints an address.');
const settings = process.env.SOAK_SETTINGS;
const given: Readonly<Record<string, string>>[] = settings === undefined ? [{}, {}] : JSON.parse(settings);
const folder = mkdtempSync(path.join(tmpdir(), 'maskline-soak-'));
const collectedFile = (replica: number): string => path.join(folder, `collected-${replica}`);
const ofReplica = given.map((own, i) => ({
  ...own,
  NODE_OPTIONS: `--import=${COLLECT_ON_SIGNAL} ${own.NODE_OPTIONS ?? ''}`.trim(),
  COLLECTED_FILE: collectedFile(i),
}));
const world = await FaultWorld.start({
  brokers,
  callsPerSecond,
  ordersPerSecond,
  bindings: 400,
  // One replica for each, to compare settings under one load: '[{}, {"NODE_OPTIONS": "--max-semi-space-size=4"}]'.
  ofReplica,
  replicas: ofReplica.length,
});
const startedAt = performance.now();
const samples = world.replicas.map((): Sample[] => []);
const collected = world.replicas.map((): Collected[] => []);
let nextCollection = WARM_UP_MINUTES;
const phases: string[] = [];
let nextPhase = 0;
try {
  while (performance.now() - startedAt < minutes * 60_000) {
    const elapsed = (performance.now() - startedAt) / 60_000;
    if (elapsed >= nextPhase) {
      const name = `minute ${Math.round(nextPhase)}`;
      phases.push(name);
      world.calls.phase(name);
      nextPhase += PHASE_MINUTES;
    }
    for (const [i, replica] of world.replicas.entries()) {
      const one = await sample(replica, startedAt);
      if (one) samples[i]?.push(one);
    }
    if (elapsed >= nextCollection) {
      nextCollection += COLLECT_MINUTES;
      for (const [i, replica] of world.replicas.entries()) {
        const one = await collect(replica, collectedFile(i), startedAt);
        if (one) collected[i]?.push(one);
      }
    }
    const latest = samples.map((each) => each.at(-1)?.rssMB.toFixed(0)).join(' and ');
    process.stdout.write(`\r${elapsed.toFixed(1)} of ${minutes} min, RSS ${latest} MB   `);
    await world.passed(SAMPLE_MS);
  }
  world.assertAlive();
  const tables = await world.deployment.database.run(systemScope, (connection) =>
    connection.query(tableSizes),
  );
  console.log('');
  for (const name of phases) console.log(name, JSON.stringify(world.calls.report(name)));
  for (const [i, each] of samples.entries())
    console.log(`replica ${i + 1}`, JSON.stringify(summary(each), null, 1));
  for (const [i, each] of collected.entries())
    console.log(`replica ${i + 1}, after collections`, JSON.stringify(summaryOfCollected(each)));
  console.log('tables (MB)', JSON.stringify(tables));
  // A machine that is too busy for the load may be far behind: late is not lost.
  await world.orders.settle(CATCH_UP_LIMIT_MS);
  console.log('history', JSON.stringify(await world.check()));
} finally {
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
}
