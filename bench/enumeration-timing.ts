/**
 * Whether the time of a refusal tells a stranger which numbers are in use (SEC-12): six cases that are answered with the
 * same bytes, asked in random order, and compared by Welch's t. `raw` is the bare decision; `even` is as the service
 * answers, at a multiple of 20 ms. A caller at the end of a telephone line sees neither to a millisecond. Below the six
 * stand two controls, which are slower on purpose: they show how small a difference would be found.
 *
 *   [MASKLINE_TEST_POSTGRES=1] node bench/enumeration-timing.ts [samples of each case, default 2000] [raw or even, default both]
 *
 * On PGlite, or on a PostgreSQL of its own. An absolute t of 4.5 and more, whole or cropped, is a leak.
 */
import { performance } from 'node:perf_hooks';
import { closeSession } from '../src/app/close-session.ts';
import { routeCall } from '../src/app/route-call.ts';
import { ACCOUNT, createWorld, person, virtualNumber } from '../src/app/testing/world.ts';
import { toVirtualNumber } from '../src/domain/virtual-number.ts';
import { pause, systemClock } from '../src/lib/clock.ts';
import { ManualClock } from '../src/lib/manual-clock.ts';
import { seededRandom, systemRandom } from '../src/lib/random.ts';
import { openPostgres } from '../src/storage/postgres/open-postgres.ts';
import { openTestDatabase } from '../src/storage/testing/open-test-database.ts';
import { openTestPostgres } from '../src/storage/testing/open-test-postgres.ts';

const GRID_MS = 20;
/** Rounds under way at once where each waits for its 20 ms: of raw ones there is one. */
const EVEN_LANES = 2;
/** Rounds before the first that counts, until everything is compiled and cached. */
const WARM_UP = 200;
/** Of the slowest, cropped: pauses of a scheduler hide what is small. */
const CROPS = [1, 0.99, 0.9, 0.5] as const;
/** What there is so far, because all of it may take hours. */
const REPORT_MS = 300_000;

interface Series {
  readonly name: string;
  readonly from: number;
  readonly to: string;
  readonly took: number[];
  /** what a control does more than the others */
  readonly more?: () => Promise<unknown>;
}

const samples = Number(process.argv[2] ?? 2_000);
const postgres = process.env.MASKLINE_TEST_POSTGRES === '1' ? await openTestPostgres() : null;
const database = postgres
  ? await openPostgres({
      connectionString: await postgres.createDatabase(),
      clock: systemClock,
      random: systemRandom,
      poolSize: 16,
    })
  : await openTestDatabase();
const world = await createWorld({ database, numbers: 30, clock: new ManualClock(systemClock.now()) });
const { tenant } = world;
const live = await world.assign('order-1', [1, 2]);
const others = await world.assign('order-2', [3, 4]);
const resting = await world.assign('order-3', [5, 6]);
const over = await world.assign('order-4', [7, 8]);
const numberOf = (opened: typeof live, place: number): string =>
  opened.session?.participants[place]?.virtualNumber ?? '';
for (const [opened, reason] of [
  [resting, 'completed'],
  [over, 'cancelled'],
] as const) {
  await closeSession(world.app, { tenant, sessionId: opened.session?.id ?? '', reason });
}
const cases = (): Series[] => [
  { name: 'unknown caller, live number', from: 50, to: numberOf(live, 1), took: [] },
  { name: 'idle number', from: 50, to: virtualNumber(29), took: [] },
  { name: 'participant, number of others', from: 1, to: numberOf(others, 1), took: [] },
  { name: 'number that rests', from: 50, to: numberOf(resting, 1), took: [] },
  { name: 'number of an order that is over', from: 50, to: numberOf(over, 0), took: [] },
  { name: 'number of nobody', from: 50, to: '+12125550100', took: [] },
  {
    ...{ name: 'control: one look-up more', from: 50, to: virtualNumber(29), took: [] },
    more: () => world.app.storage.run(tenant, ({ pools }) => pools.get('default')),
  },
  {
    ...{ name: 'control: 1 ms later', from: 50, to: virtualNumber(29), took: [] },
    more: () => pause(systemClock, 1),
  },
];

let asked = 0;
async function ask(one: Series, refusalGridMs: number): Promise<void> {
  const app = { ...world.app, clock: systemClock, refusalGridMs };
  const startedAt = performance.now();
  if (one.more && refusalGridMs === 0) await one.more();
  const { reason } = await routeCall(app, {
    tenant,
    providerAccount: ACCOUNT,
    providerCallId: `t${++asked}`,
    kind: 'call',
    callingNumber: person(one.from),
    calledNumber: toVirtualNumber(one.to),
    attestation: null,
    digits: null,
  });
  // After the pause, since one before it would be hidden by it: which is what the pause is for.
  if (one.more && refusalGridMs > 0) await one.more();
  one.took.push(performance.now() - startedAt);
  if (reason === 'ok') throw new Error('A stranger was connected.');
}

async function run(mode: 'raw' | 'even'): Promise<void> {
  const random = seededRandom(12);
  const series = cases();
  let begun = -WARM_UP;
  const telling = setInterval(() => report(mode, series), REPORT_MS);
  const lane = async (): Promise<void> => {
    while (begun < samples) {
      if (begun++ === 0) for (const one of series) one.took.length = 0;
      const shuffled = shuffle(series, random);
      if (mode === 'raw') for (const one of shuffled) await ask(one, 0);
      // All together: one after another would take 20 ms each.
      else await Promise.all(shuffled.map((one) => ask(one, GRID_MS)));
    }
  };
  await Promise.all(Array.from({ length: mode === 'raw' ? 1 : EVEN_LANES }, lane));
  clearInterval(telling);
  report(mode, series);
}

/** Each order as often as any other (Fisher and Yates). */
function shuffle<T>(values: readonly T[], random: { next(): number }): T[] {
  const shuffled = [...values];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const other = Math.floor(random.next() * (i + 1));
    [shuffled[i], shuffled[other]] = [shuffled[other] as T, shuffled[i] as T];
  }
  return shuffled;
}

function report(mode: string, series: readonly Series[]): void {
  const sorted = series.map(({ name, took }) => ({ name, took: Float64Array.from(took).sort() }));
  const [base] = sorted;
  if (!base) return;
  for (const { name, took } of sorted) {
    const ts = CROPS.map((share) => welch(crop(base.took, share), crop(took, share)));
    const worst = Math.max(...ts.map(Math.abs));
    const difference = median(took) - median(base.took);
    console.info(
      `${mode}\t${name.padEnd(32)}\tn=${took.length}\tmedian ${median(took).toFixed(3)} ms, against the first ${difference.toFixed(3)} ms\t|t| ${worst.toFixed(2)}\t` +
        CROPS.map((share, i) => `${share * 100} %: ${(ts[i] ?? 0).toFixed(2)}`).join(', '),
    );
  }
}

/** The fastest of them. */
function crop(sorted: Float64Array, share: number): Float64Array {
  return sorted.subarray(0, Math.floor(sorted.length * share));
}

function welch(a: Float64Array, b: Float64Array): number {
  const [one, two] = [moments(a), moments(b)];
  const error = Math.sqrt(one.variance / a.length + two.variance / b.length);
  return error === 0 ? 0 : (two.mean - one.mean) / error;
}

function moments(values: Float64Array): { mean: number; variance: number } {
  let mean = 0;
  let squares = 0;
  values.forEach((value, i) => {
    const delta = value - mean;
    mean += delta / (i + 1);
    squares += delta * (value - mean);
  });
  return { mean, variance: squares / (values.length - 1) };
}

function median(sorted: Float64Array): number {
  return sorted[sorted.length >> 1] ?? 0;
}

for (const mode of ['raw', 'even'] as const) if ((process.argv[3] ?? mode) === mode) await run(mode);
await database.close();
await postgres?.stop();
