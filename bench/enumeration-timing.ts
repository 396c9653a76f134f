/**
 * Whether the time of a refusal tells a stranger which numbers are in use (SEC-12): six cases that are answered with the
 * same bytes, asked in random order, and compared by Welch's t. `raw` is the bare decision; `even` is as the service
 * answers, at a multiple of 20 ms. A caller at the end of a telephone line sees neither to a millisecond.
 *
 *   node bench/enumeration-timing.ts [samples of each case, default 2000]
 */
import { performance } from 'node:perf_hooks';
import { closeSession } from '../src/app/close-session.ts';
import { routeCall } from '../src/app/route-call.ts';
import { ACCOUNT, createWorld, person, virtualNumber } from '../src/app/testing/world.ts';
import { toVirtualNumber } from '../src/domain/virtual-number.ts';
import { systemClock } from '../src/lib/clock.ts';
import { ManualClock } from '../src/lib/manual-clock.ts';
import { seededRandom } from '../src/lib/random.ts';
import { openTestDatabase } from '../src/storage/testing/open-test-database.ts';

const GRID_MS = 20;

interface Series {
  readonly name: string;
  readonly from: number;
  readonly to: string;
  readonly took: number[];
}

const samples = Number(process.argv[2] ?? 2_000);
const database = await openTestDatabase();
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
];

let asked = 0;
async function ask(one: Series, refusalGridMs: number): Promise<void> {
  const app = { ...world.app, clock: systemClock, refusalGridMs };
  const startedAt = performance.now();
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
  one.took.push(performance.now() - startedAt);
  if (reason === 'ok') throw new Error('A stranger was connected.');
}

async function run(mode: 'raw' | 'even'): Promise<void> {
  const random = seededRandom(12);
  const series = cases();
  for (let round = 0; round < samples; round++) {
    const shuffled = [...series].sort(() => random.next() - 0.5);
    if (mode === 'raw') for (const one of shuffled) await ask(one, 0);
    // All six together: one after another would take 20 ms each.
    else await Promise.all(shuffled.map((one) => ask(one, GRID_MS)));
  }
  report(mode, series);
}

function report(mode: string, series: readonly Series[]): void {
  const [base] = series;
  if (!base) return;
  for (const { name, took } of series) {
    const t = welch(base.took, took);
    const difference = median(took) - median(base.took);
    console.info(
      `${mode}\t${name}\tn=${took.length}\tmedian=${median(took).toFixed(3)} ms\tagainst the first: ${difference.toFixed(3)} ms\tt=${t.toFixed(2)}`,
    );
  }
}

function welch(a: readonly number[], b: readonly number[]): number {
  const [one, two] = [moments(a), moments(b)];
  const error = Math.sqrt(one.variance / a.length + two.variance / b.length);
  return error === 0 ? 0 : (two.mean - one.mean) / error;
}

function moments(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, variance };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

await run('raw');
await run('even');
await database.close();
