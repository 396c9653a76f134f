import { statement, systemScope } from '../../src/storage/sql/connection.ts';
import type { Replica } from '../production/replica.ts';
import { FaultWorld } from './fault-world.ts';

// FLT-34: KAFKA_BROKERS=… node test/faults/soak.ts [minutes] [calls a second] [orders a second].
// Memory, handles and latency of two replicas under a steady load, and what they grow by in an hour.
const [minutes = 60, callsPerSecond = 20, ordersPerSecond = 4] = process.argv.slice(2).map(Number);
const SAMPLE_MS = 15_000;
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
function slope(samples: readonly Sample[], measure: Measure): number {
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const [x, y] = [mean(samples.map(({ hours }) => hours)), mean(samples.map((each) => each[measure]))];
  const over = samples.reduce((sum, each) => sum + (each.hours - x) * (each[measure] - y), 0);
  const under = samples.reduce((sum, each) => sum + (each.hours - x) ** 2, 0);
  return over / under;
}

function summary(samples: readonly Sample[]): object {
  const warm = samples.filter(({ hours }) => hours * 60 >= WARM_UP_MINUTES);
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
        slopePerHour: Number(slope(warm, measure).toFixed(2)),
      },
    ]),
  );
}

const brokers = process.env.KAFKA_BROKERS;
if (brokers === undefined) throw new Error('Set KAFKA_BROKERS; scripts/kafka start prints an address.');
const settings = process.env.SOAK_SETTINGS;
const ofReplica: Readonly<Record<string, string>>[] | null =
  settings === undefined ? null : JSON.parse(settings);
const world = await FaultWorld.start({
  brokers,
  callsPerSecond,
  ordersPerSecond,
  bindings: 400,
  // One replica for each, to compare settings under one load: '[{}, {"NODE_OPTIONS": "--max-semi-space-size=4"}]'.
  ...(ofReplica && { ofReplica, replicas: ofReplica.length }),
});
const startedAt = performance.now();
const samples = world.replicas.map((): Sample[] => []);
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
  console.log('tables (MB)', JSON.stringify(tables));
  console.log('history', JSON.stringify(await world.check()));
} finally {
  await world.stop();
}
