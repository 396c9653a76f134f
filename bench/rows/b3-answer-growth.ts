import { AnswerBench, type Measurement, median } from '../answer/answer-bench.ts';
import { onPostgres } from '../answer/bench-postgres.ts';
import { round } from '../answer/rounds.ts';
import type { BenchOptions, BenchRow } from '../bench-row.ts';

/** Below what is answered, so that it is the answer that takes its time and not the queue. */
const RATE = 1_000;
const CONNECTIONS = 64;
const FULL = { sizes: [10_000, 100_000, 1_000_000, 10_000_000], rounds: 7, requests: 2_000 };
const SMOKE = { sizes: [10_000, 100_000], rounds: 3, requests: 800 };
const AIM = 1.5;

/** How the time of an answer grows with the number of live routes, at a fixed rate. */
export async function measureB3({ smoke, progress }: BenchOptions): Promise<BenchRow[]> {
  const { sizes, rounds, requests } = smoke ? SMOKE : FULL;
  const say = (text: string): void => progress(`B3: ${text}`);
  return onPostgres(async (database) => {
    const [smallest = 0] = sizes;
    const bench = await AnswerBench.open(database, smallest, say);
    try {
      const bySize = new Map<number, Measurement[]>();
      for (const size of sizes) {
        await bench.town.grow(size, say);
        const order = { requests, connections: CONNECTIONS, rate: RATE };
        await bench.warmUp('maskline', requests);
        await bench.settle();
        const measured: Measurement[] = [];
        for (let i = 0; i < rounds; i++) measured.push(await bench.measure('maskline', order));
        bySize.set(size, measured);
      }
      await bench.checkRecords();
      const p50 = [...bySize].map(([size, measured]) => ({
        size,
        ms: median(measured.map((one) => one.p50Ms)),
        p99Ms: median(measured.map((one) => one.p99Ms)),
      }));
      const first = p50.at(0);
      const last = p50.at(-1);
      if (!first || !last) throw new Error('Nothing was measured.');
      const ratio = last.ms / first.ms;
      const lastRounds = (bySize.get(last.size) ?? []).map((one) => one.p50Ms / first.ms);
      return [
        {
          id: 'B3',
          title: `latency of an answer with ${last.size} live routes beside ${first.size}, at ${RATE}/s`,
          unit: 'ms',
          value: last.ms,
          limit: first.ms,
          rival: null,
          ratio,
          aim: `≤ ${AIM} × the latency of ${first.size}`,
          met: ratio <= AIM,
          spread: { low: Math.min(...lastRounds), high: Math.max(...lastRounds) },
          details: Object.fromEntries(
            p50.flatMap(({ size, ms, p99Ms }) => [
              [`p50 with ${size} routes, ms`, round(ms, 2)],
              [`p99 with ${size} routes, ms`, round(p99Ms, 2)],
            ]),
          ),
        },
      ];
    } finally {
      await bench.close();
    }
  });
}
