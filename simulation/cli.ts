import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError } from 'commander';
import { startSharedEngine } from './engine.ts';
import { INVARIANTS, reachedLeast } from './invariants.ts';
import { loadProduct } from './load-product.ts';
import { runExam } from './run-exam.ts';
import type { SeedResult } from './run-seed.ts';
import { shorten } from './shorten.ts';
import type { SeedReport, SeedsOrder } from './seeds-worker.ts';

const STEPS_DEFAULT = 100;
const SHORTENING_RUNS = 60;
const HISTORY_LINES = 60;
/** One seed in so many is run twice, and the two traces compared. */
const TWICE_EVERY = 100;

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return value;
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

interface Options {
  readonly seed: number;
  readonly steps: number;
  readonly runs: number;
  readonly jobs: number;
  readonly without: readonly string[];
  readonly json?: boolean;
  readonly trace?: boolean;
  readonly exam?: boolean;
  readonly mutant?: string;
  readonly recheck?: boolean;
  readonly record?: boolean;
  readonly unharmedTo?: number;
}

const program = new Command('simulate')
  .description(
    'Runs the whole of Maskline in a simulated world, and shows what must never happen if it does.',
  )
  .option('--seed <number>', 'the first seed', positive, 1)
  .option('--steps <number>', 'steps of each run', positive, STEPS_DEFAULT)
  .option('--runs <number>', 'how many seeds, one after another', positive, 1)
  .option('--jobs <number>', 'threads', positive, Math.min(2, availableParallelism()))
  .option('--without <kinds>', 'faults and actions that do not happen, with commas between', list, [])
  .option('--json', 'one JSON document instead of text')
  .option('--trace', 'the whole history of each run')
  .option(
    '--exam',
    'plants the defects of mutants/ one at a time; --runs is then the number of seeds for each',
  )
  .option('--mutant <names>', 'with --exam: these alone, with commas between')
  .option('--recheck', 'with --exam: begins with the seed that found each before')
  .option(
    '--unharmed-to <seed>',
    'with --exam: seeds up to this one have just found nothing without a defect',
    positive,
  )
  .option('--record', 'with --exam: writes what was found into docs/reliability.md');

const options = program.parse().opts<Options>();
process.exitCode = await (options.exam ? runExam(options) : runSeeds());
process.exit();

async function runSeeds(): Promise<number> {
  const { seed, steps, runs, jobs, without, json } = options;
  const started = process.hrtime.bigint();
  const bar = new SingleBar({
    format: '{bar} {value}/{total} seeds, {failed} failed',
    stream: process.stderr,
  });
  const showsBar = !json && runs > 1 && process.stderr.isTTY;
  if (showsBar) bar.start(runs, 0, { failed: 0 });
  const reports: SeedReport[] = [];
  const note = (report: SeedReport): void => {
    reports.push(report);
    if (showsBar)
      bar.update(reports.length, { failed: reports.filter((one) => one.failure !== null).length });
  };
  const threads = Math.min(jobs, runs);
  await Promise.all(
    Array.from({ length: threads }, (_, i) =>
      inWorker({ seed, steps, runs, without, first: i, every: threads, twiceEvery: TWICE_EVERY }, note),
    ),
  );
  if (showsBar) bar.stop();
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  reports.sort((a, b) => a.seed - b.seed);
  return report(reports, seconds);
}

function inWorker(order: SeedsOrder, note: (report: SeedReport) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./seeds-worker.ts', import.meta.url), { workerData: order });
    worker.on('message', (report: SeedReport | null) => {
      if (report !== null) return note(report);
      // PGlite and abandoned requests would keep the thread for a while.
      void worker.terminate().then(() => resolve());
    });
    worker.on('error', reject);
  });
}

async function report(reports: readonly SeedReport[], seconds: number): Promise<number> {
  const failed = reports.find((one) => one.failure !== null);
  const counts = sumOf(reports.map((one) => one.reached));
  const simulatedSeconds = reports.reduce((sum, one) => sum + one.simulatedMs, 0) / 1_000;
  const summary = {
    seeds: reports.length,
    steps: options.steps,
    failed: reports.filter((one) => one.failure !== null).length,
    comparedTwice: reports.filter((one) => one.twice).length,
    seconds: Number(seconds.toFixed(1)),
    seedsPerSecond: Number((reports.length / seconds).toFixed(2)),
    simulatedSecondsPerSecond: Math.round(simulatedSeconds / seconds),
  };
  const trace = reports.length === 1 ? reports[0]?.trace : combined(reports);
  const ok = `ok seed=${options.seed} steps=${options.steps} trace=${trace}`;
  if (options.json) {
    const failures = reports.flatMap(({ seed, failure, failedAt, trace: its }) =>
      failure === null ? [] : [{ seed, failure, failedAt, trace: its, replay: replayOf(seed) }],
    );
    const points = sumOf(reports.map((one) => one.points));
    const invariants = INVARIANTS.map((one) => ({
      id: one.id,
      promise: one.promise,
      reached: reachedLeast(one, counts),
    }));
    const result = failed ? `FAILED seed=${failed.seed} steps=${options.steps} trace=${failed.trace}` : ok;
    const document = {
      ok: !failed,
      ...summary,
      trace,
      failures,
      invariants,
      reached: counts,
      points,
      result,
    };
    console.log(JSON.stringify(document, null, 2));
    return failed ? 1 : 0;
  }
  if (options.trace) for (const one of reports) console.log(one.history.join('\n'));
  console.log('Invariants, and how often the rarest of what each needs has happened:');
  for (const one of INVARIANTS)
    console.log(`  ${String(reachedLeast(one, counts)).padStart(8)}  ${one.id}  ${one.promise}`);
  console.log('\nReached:');
  for (const [what, times] of Object.entries(counts)) console.log(`  ${String(times).padStart(8)}  ${what}`);
  console.log('');
  for (const [what, value] of Object.entries(summary)) console.log(`${what.padEnd(26)} ${value}`);
  if (failed) return explain(failed);
  console.log(ok);
  return 0;
}

function replayOf(seed: number): string {
  return `npm run simulate -- --seed ${seed} --steps ${options.steps}`;
}

function sumOf(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const one of all)
    for (const [name, times] of Object.entries(one)) sum[name] = (sum[name] ?? 0) + times;
  return Object.fromEntries(Object.entries(sum).sort());
}

/** One hash for many traces: FNV-1a over their text. */
function combined(reports: readonly SeedReport[]): string {
  let hash = 0xcbf29ce484222325n;
  for (const character of reports.map((one) => one.trace).join(' '))
    hash = BigInt.asUintN(64, (hash ^ BigInt(character.charCodeAt(0))) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
}

async function explain(failed: SeedReport): Promise<number> {
  console.log(`\nSeed ${failed.seed} failed: ${failed.failure}`);
  console.log('Looking for a shorter history …');
  const { SeedRunner } = await loadProduct(null);
  const runner = await SeedRunner.open(await startSharedEngine(), null);
  const whole: SeedResult = { ...failed, steps: options.steps };
  const { result, without } = await shorten(
    (one) => runner.run(one),
    whole,
    options.without,
    SHORTENING_RUNS,
  );
  const lines = result.history.length > 0 ? result.history : failed.history;
  if (lines.length > HISTORY_LINES) console.log(`… ${lines.length - HISTORY_LINES} lines before`);
  console.log(lines.slice(-HISTORY_LINES).join('\n'));
  const leaving = without.length > 0 ? ` --without '${without.join(',')}'` : '';
  console.log(
    `\nReplay: npm run simulate -- --seed ${failed.seed} --steps ${result.steps}${leaving} --trace`,
  );
  console.log(`FAILED seed=${failed.seed} steps=${result.steps} trace=${result.trace} ${result.failure}`);
  return 1;
}
