import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/lib/clock.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { openPglite } from '../../src/storage/pglite/open-pglite.ts';
import { AnswerBench, median } from '../answer/answer-bench.ts';
import { measureProcessorShares } from '../answer/processor-shares.ts';
import { measureRounds, processorTime, ratiosOf, round, sumOf } from '../answer/rounds.ts';
import type { BenchOptions, BenchRow } from '../bench-row.ts';

const CONNECTIONS = 64;
/** An answer takes the embedded database a millisecond and more. */
const BURST = 8;
const MIGRATIONS = fileURLToPath(new URL('../../src/storage/migrations/', import.meta.url));
const FULL = { routes: 20_000, rounds: 7, seconds: 1.2 };
const SMOKE = { routes: 2_000, rounds: 3, seconds: 0.4 };
const AIM = 0.1;

/** The same on the embedded database, which computes in the thread that serves. */
export async function measureB2({ smoke, progress }: BenchOptions): Promise<BenchRow[]> {
  const size = smoke ? SMOKE : FULL;
  const say = (text: string): void => progress(`B2: ${text}`);
  const database = await openPglite({ dataDir: null, clock: systemClock });
  try {
    await migrate(database, { directory: MIGRATIONS, clock: systemClock });
    const bench = await AnswerBench.open(database, size.routes, say);
    try {
      const { bare, maskline, plain } = await measureRounds(bench, ['bare', 'maskline', 'plain'], {
        ...size,
        progress: say,
      });
      say('processor time');
      const gate = smoke ? await measureProcessorShares(bench, BURST, null) : null;
      await bench.checkRecords();
      const ratios = ratiosOf(maskline, bare);
      const ratio = median(ratios);
      return [
        {
          id: 'B2',
          title: `Twilio answer webhook on PGlite in memory, ${size.routes} live routes, ${CONNECTIONS} connections`,
          unit: 'requests/s',
          value: median(maskline.map((one) => one.perSecond)),
          limit: median(bare.map((one) => one.perSecond)),
          rival: median(plain.map((one) => one.perSecond)),
          ratio,
          aim: `≥ ${AIM} of bare node:http`,
          met: ratio >= AIM,
          ...(gate && { gate }),
          spread: { low: Math.min(...ratios), high: Math.max(...ratios) },
          details: {
            'times the rival': round(median(ratiosOf(maskline, plain)), 2),
            'calls refused for want of time': sumOf(maskline),
            'calls refused for want of time, rival': sumOf(plain),
            'p50, ms': round(median(maskline.map((one) => one.p50Ms)), 1),
            'p99, ms': round(median(maskline.map((one) => one.p99Ms)), 1),
            ...processorTime({ bare, maskline, plain }),
            sharing: 'the server, with its database, is one thread and the client another',
          },
        },
      ];
    } finally {
      await bench.close();
    }
  } finally {
    await database.close();
  }
}
