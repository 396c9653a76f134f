import { readFileSync } from 'node:fs';
import type { PostgresDatabase } from '../../src/storage/postgres/postgres-database.ts';
import { statement } from '../../src/storage/sql/connection.ts';
import { type AnswerBench, type Measurement, median, type ServerName } from './answer-bench.ts';

const WARM_UP_BURSTS = 200;
const BURSTS = 24;
/** The rival takes three times as long. */
const PLAIN_BURSTS = 8;
const ROUNDS = 11;
/** Rounds that may be lost because calls were refused for want of time, which costs less than to connect them. */
const SPARE_ROUNDS = 22;

const backends = statement(
  'bench_backends',
  `select pid from pg_stat_activity where backend_type = 'client backend' and datname = current_database()`,
);

/**
 * The processor time of a request to bare `node:http`, as a share of what an answer takes: of the adapter alone, of the thread
 * that serves Maskline, and of the database's processes; and that of the rival, which asks for each call by itself, as a multiple
 * of Maskline's. A busy machine makes all of them wait, which processor time does not count, and
 * requests come in bursts of the same size, so that Maskline gathers as many whoever else computes. So this says whether
 * the code became dearer, where requests a second would say who else was at work. A thread that is often put aside still finds its
 * caches cold: beside two busy loops Maskline's share of bare falls to half, while that of the adapter and the multiple stay.
 * @param connections the size of a burst: few enough that all are answered in time on a machine that is busy ten times over
 * @param postgres null where the database computes in the serving thread
 * @throws Error when too many calls were refused for want of time
 */
export async function measureProcessorShares(
  bench: AnswerBench,
  connections: number,
  postgres: PostgresDatabase | null,
): Promise<Record<string, number>> {
  const burst = (name: ServerName, bursts: number): Promise<Measurement> =>
    bench.measure(name, { requests: bursts * connections, connections, inBursts: true });
  for (const name of ['bare', 'adapter', 'maskline'] as const) await burst(name, WARM_UP_BURSTS);
  await burst('plain', BURSTS);
  const rounds: { ofAdapter: number; ofServing: number; ofDatabase: number; timesPlain: number }[] = [];
  for (let round = 0; rounds.length < ROUNDS; round++) {
    if (round === ROUNDS + SPARE_ROUNDS)
      throw new Error(
        'The machine is too busy to connect calls in time, so nothing can be said of their cost.',
      );
    const bareFirst = round % 2 === 0 ? await burst('bare', BURSTS) : null;
    const pids = postgres ? await pidsOf(postgres) : [];
    const before = microsOf(pids);
    const maskline = await burst('maskline', BURSTS);
    const databaseMicros = (microsOf(pids) - before) / (BURSTS * connections);
    const bare = bareFirst ?? (await burst('bare', BURSTS));
    const adapter = await burst('adapter', BURSTS);
    const plain = await burst('plain', PLAIN_BURSTS);
    if (maskline.unconnected > 0 || plain.unconnected > 0) continue;
    rounds.push({
      ofAdapter: bare.serverMicros / adapter.serverMicros,
      ofServing: bare.serverMicros / maskline.serverMicros,
      ofDatabase: bare.serverMicros / databaseMicros,
      timesPlain: plain.serverMicros / maskline.serverMicros,
    });
  }
  const ofDatabase = median(rounds.map((one) => one.ofDatabase));
  return {
    'bare node:http / adapter alone, processor time': median(rounds.map((one) => one.ofAdapter)),
    'bare node:http / serving thread, processor time': median(rounds.map((one) => one.ofServing)),
    'one query per statement / serving thread, processor time': median(rounds.map((one) => one.timesPlain)),
    ...(Number.isFinite(ofDatabase) && {
      "bare node:http / database's processes, processor time": ofDatabase,
    }),
  };
}

async function pidsOf(postgres: PostgresDatabase): Promise<readonly number[]> {
  const rows = await postgres.asOwner((owner) => owner.query<{ pid: number }>(backends));
  return rows.map(({ pid }) => pid);
}

/** Microseconds on a processor so far, as Linux counts them for each process; 0 on any other system. */
function microsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    try {
      return sum + Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1_000;
    } catch {
      return sum;
    }
  }, 0);
}
