// What an event costs whom: processor time of the service, of the database and of the broker for each event, by kind of
// stream. Processor time holds on a machine that others use, where events a second say little.
// KAFKA_BROKERS=… node bench/event-cost.ts [dedicated,shared,mixed,swaps] [orders, default 6000] [--statements]
// With NODE_OPTIONS_OF_REPLICA=--cpu-prof the service writes a profile; --statements lists what the database ran.
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { runAsAdmin } from '../src/storage/testing/open-test-postgres.ts';
import { statement, systemScope } from '../src/storage/sql/connection.ts';
import { createDeployment, type Deployment } from '../test/production/deployment.ts';
import { openTestBus } from '../test/production/order-load.ts';
import { OwnBroker } from '../test/production/own-broker.ts';
import { Replica } from '../test/production/replica.ts';
import { STREAMS, type Stream } from './order-stream.ts';
import { makeSharedPool, POSTGRES } from './rows/b5-events.ts';
import { measureFloor } from './session-floor.ts';

/** Of the kernel's clock: sysconf(_SC_CLK_TCK) is 100 on every Linux. */
const TICK_MS = 10;
const LOT = 200;

const kinds = (process.argv[2] ?? 'dedicated,shared,mixed').split(',') as (keyof typeof STREAMS)[];
const orders = Number(process.argv[3] ?? 6_000);
const lists = process.argv.includes('--statements');

const own = process.env.KAFKA_BROKERS === undefined ? await OwnBroker.start() : null;
const deployment = await createDeployment(own?.address ?? process.env.KAFKA_BROKERS ?? '', {
  numbers: 40_000,
  postgres: {
    ...POSTGRES,
    ...(lists && { shared_preload_libraries: 'pg_stat_statements', track_io_timing: 'on' }),
  },
});
if (lists) await runAsAdmin(deployment.databaseUrl, 'create extension pg_stat_statements schema public');
await makeSharedPool(deployment);
const server = await serverPid(deployment);
const broker = brokerPid(deployment.brokers);

const floor = await costOf({ database: server }, orders, () => measureFloor(deployment, orders, LOT));
console.log(`floor      ${floor.text}`);
for (const kind of kinds) await measureStream(kind, STREAMS[kind]);
await deployment.stop();
await own?.clean();
process.exit();

async function measureStream(kind: string, stream: Stream): Promise<void> {
  const { topics, environment, brokers } = deployment;
  const bus = openTestBus(brokers);
  const announced = async (): Promise<number> => Number((await bus.lag(topics.masking, 'nobody')) ?? 0n);
  const before = await announced();
  const { messages, announcements } = stream(randomUUID().slice(0, 8), orders);
  for (let i = 0; i < messages.length; i += 1_000)
    await bus.publish(topics.orders, messages.slice(i, i + 1_000));
  if (lists) await runAsAdmin(deployment.databaseUrl, 'select public.pg_stat_statements_reset()');
  const { NODE_OPTIONS_OF_REPLICA: options } = process.env;
  const replica = await Replica.start({
    ...environment,
    ...(options !== undefined && { NODE_OPTIONS: options }),
  });
  const reach = async (count: number): Promise<void> => {
    while ((await announced()) - before < count) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  // The first fifth belongs to the start: joining the group, preparing statements, compiling.
  await reach(announcements / 5);
  const begun = (await announced()) - before;
  const rest = messages.length * (1 - begun / announcements);
  const { text } = await costOf({ service: replica.pid ?? 0, database: server, broker }, rest, async () => {
    const from = performance.now();
    await reach(announcements);
    return (1_000 * rest) / (performance.now() - from);
  });
  console.log(`${kind.padEnd(10)} ${text}`);
  if (lists) await listStatements();
  await bus.close();
  await replica.kill('SIGTERM');
}

/** Processor milliseconds of each process, its children included, for each thing that was done. */
async function costOf(
  processes: Readonly<Record<string, number>>,
  count: number,
  work: () => Promise<number>,
): Promise<{ text: string }> {
  const before = Object.values(processes).map(ticksOf);
  const rate = await work();
  const parts = Object.entries(processes).map(([name, pid], i) => {
    const micros = ((ticksOf(pid) - (before[i] ?? 0)) * TICK_MS * 1_000) / count;
    return `${name} ${micros.toFixed(0)} µs`;
  });
  return { text: `${rate.toFixed(0).padStart(6)}/s   ${parts.join(', ')}` };
}

function ticksOf(pid: number): number {
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? []);
  const children = stats.filter(({ parent, pid: own }) => parent === pid || own === pid);
  // Children that have ended are in the account of their parent.
  return children.reduce((sum, stat) => sum + stat.ticks + (stat.pid === pid ? stat.endedTicks : 0), 0);
}

function statOf(pid: number): { pid: number; parent: number; ticks: number; endedTicks: number } | null {
  try {
    // The name, in parentheses, may hold spaces: the fields are counted from behind it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    const [parent, user, system, endedUser, endedSystem] = [1, 11, 12, 13, 14].map((i) => Number(fields[i]));
    return {
      pid,
      parent: parent ?? 0,
      ticks: (user ?? 0) + (system ?? 0),
      endedTicks: (endedUser ?? 0) + (endedSystem ?? 0),
    };
  } catch {
    return null;
  }
}

async function serverPid({ database }: Deployment): Promise<number> {
  const ask = statement('bench_backend', 'select pg_backend_pid() as pid');
  const [row] = await database.run(systemScope, (connection) => connection.query<{ pid: number }>(ask));
  return statOf(row?.pid ?? 0)?.parent ?? 0;
}

/** The broker that `scripts/kafka` started on that port. */
function brokerPid(address: string): number {
  const port = address.split(':').at(-1) ?? '';
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      const properties = command[command.indexOf('kafka.Kafka') + 1];
      if (!command.includes('kafka.Kafka') || properties === undefined) continue;
      if (readFileSync(properties, 'utf8').includes(`PLAINTEXT://127.0.0.1:${port},`)) return Number(name);
    } catch {
      // It has ended meanwhile.
    }
  }
  return 0;
}

async function listStatements(): Promise<void> {
  const ask = statement(
    'bench_statements',
    `select calls::int, round(total_exec_time::numeric, 1)::float8 as ms, round(total_plan_time::numeric, 1)::float8 as plan,
            rows::int, shared_blks_hit::int as hit, wal_bytes::float8 as wal, left(regexp_replace(query, '\\s+', ' ', 'g'), 100) as query
       from public.pg_stat_statements order by total_exec_time desc limit 30`,
  );
  const rows = await deployment.database.asOwner((session) => session.query<Record<string, unknown>>(ask));
  console.table(rows);
}
