import { AnswerBench, median } from '../answer/answer-bench.ts';
import { onPostgres } from '../answer/bench-postgres.ts';
import { measureProcessorShares } from '../answer/processor-shares.ts';
import { measureRounds, processorTime, ratiosOf, round, sumOf } from '../answer/rounds.ts';
import type { BenchOptions, BenchRow } from '../bench-row.ts';

const CONNECTIONS = 64;
/** So few at once are never refused for being too many. */
const BURST = 32;
const SERVERS = ['bare', 'adapter', 'maskline', 'plain'] as const;
const FULL = { routes: 1_000_000, rounds: 9, seconds: 1.2, halfLoadSeconds: 6 };
const SMOKE = { routes: 20_000, rounds: 3, seconds: 0.4, halfLoadSeconds: 1 };
const AIM = { ratio: 0.6, overRival: 1.5, p99Ms: 50 };

/** A Twilio answer webhook on PostgreSQL, from the first byte of the request to a call record that is on the disk. */
export async function measureB1({ smoke, progress }: BenchOptions): Promise<BenchRow[]> {
  const size = smoke ? SMOKE : FULL;
  return onPostgres(async (database) => {
    const bench = await AnswerBench.open(database, size.routes, (text) => progress(`B1: ${text}`));
    try {
      const measured = await measureRounds(bench, SERVERS, {
        ...size,
        progress: (text) => progress(`B1: ${text}`),
      });
      const { bare, adapter, maskline, plain } = measured;
      const value = median(maskline.map((one) => one.perSecond));
      progress('B1: half load');
      const half = await bench.measure('maskline', {
        connections: CONNECTIONS,
        rate: value / 2,
        requests: Math.ceil((value / 2) * size.halfLoadSeconds),
      });
      progress('B1: processor time');
      const gate = smoke ? await measureProcessorShares(bench, BURST, database) : null;
      await bench.checkRecords();
      const limit = median(bare.map((one) => one.perSecond));
      const rival = median(plain.map((one) => one.perSecond));
      const ratios = ratiosOf(maskline, bare);
      const ratio = median(ratios);
      const overRival = median(ratiosOf(maskline, plain));
      return [
        {
          id: 'B1',
          title: `Twilio answer webhook on PostgreSQL, ${size.routes} live routes, ${CONNECTIONS} connections`,
          unit: 'requests/s',
          value,
          limit,
          rival,
          ratio,
          aim: `≥ ${AIM.ratio} of bare node:http, ≥ ${AIM.overRival} × one plain query each, p99 ≤ ${AIM.p99Ms} ms at half load`,
          met: ratio >= AIM.ratio && overRival >= AIM.overRival && half.p99Ms <= AIM.p99Ms,
          ...(gate && { gate }),
          spread: { low: Math.min(...ratios), high: Math.max(...ratios) },
          details: {
            'times the rival': round(overRival, 2),
            'adapter alone (signature, reading, TwiML), of the limit': round(
              median(ratiosOf(adapter, bare)),
              2,
            ),
            'calls refused for want of time': sumOf(maskline) + half.unconnected,
            'calls refused for want of time, rival': sumOf(plain),
            'p99 at half load, ms': round(half.p99Ms, 1),
            'p50 at half load, ms': round(half.p50Ms, 1),
            'p50, ms': round(median(maskline.map((one) => one.p50Ms)), 1),
            'p99, ms': round(median(maskline.map((one) => one.p99Ms)), 1),
            ...processorTime(measured),
            sharing:
              'server and client are a thread each, PostgreSQL is processes; all of them share the processors',
          },
        },
      ];
    } finally {
      await bench.close();
    }
  });
}
