import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, totalmem } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { SingleBar } from 'cli-progress';
import type { BenchOptions, BenchRow } from './bench-row.ts';
import { findLosses, lostInBoth } from './compare-reports.ts';
import { plotRow } from './plot.ts';
import { allParts, type BenchReport, type ReportedRow, reportedRow, reportTable } from './report.ts';

type Measure = (options: BenchOptions & { readonly trace?: string }) => Promise<readonly BenchRow[]>;

/** Loaded when they are asked for: a row may need a database, a broker or a minute of compiling. */
const ROWS: Readonly<Record<string, () => Promise<Measure>>> = {
  B1: async () => (await import('./rows/b1-answer.ts')).measureB1,
  B2: async () => (await import('./rows/b2-answer-pglite.ts')).measureB2,
  B3: async () => (await import('./rows/b3-answer-growth.ts')).measureB3,
  B4: async () => (await import('./rows/b4-allocation.ts')).measureB4,
  B5: async () => (await import('./rows/b5-events.ts')).measureB5,
  B6: async () => (await import('./rows/b6-stock.ts')).measureB6,
  B7: async () => (await import('./rows/b7-footprint.ts')).measureB7,
};

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const RESULTS = path.join(ROOT, 'docs/bench');
const SMOKE_BASELINE = path.join(ROOT, 'bench/smoke-baseline.json');

/** A loss that is real is seen every time; a busy moment of the machine passes. */
const SMOKE_TIMES = 3;

interface Options {
  readonly rows: readonly string[];
  readonly smoke?: boolean;
  readonly json?: boolean;
  readonly save?: boolean;
  readonly trace?: string;
  readonly saveBaseline?: boolean;
}

const program = new Command('bench')
  .description(
    'Measures Maskline beside the limit of this machine and beside the obvious way of doing the same, in one run. ' +
      'bench/README.md says what each row means.',
  )
  .option(
    '--rows <ids>',
    `which, with commas between: ${Object.keys(ROWS).join(',')}`,
    toRows,
    Object.keys(ROWS),
  )
  .option('--smoke', 'about a minute: small data, and only a ratio that fell by more than a third counts')
  .option('--json', 'one JSON document instead of the table')
  .option('--save', 'keep the figures and the plots in docs/bench/')
  .option('--save-baseline', 'with --smoke: keep the ratios that later smoke runs are compared with')
  .option('--trace <file>', 'for B6: orders of your own as CSV, see bench/README.md');
program.parse();
const options = program.opts<Options>();

const report = await measure(options);
console.log(options.json ? JSON.stringify(forMachines(report), null, 2) : `\n${reportTable(report)}`);
if (!options.json) {
  for (const [row, reason] of Object.entries(report.leftOut)) console.log(`Left out: ${row}: ${reason}`);
}
if (options.save) await save(report);
if (options.saveBaseline) writeFileSync(SMOKE_BASELINE, `${JSON.stringify(report, null, 2)}\n`);
if (options.smoke && !options.saveBaseline) await judgeSmoke(report);
if (allParts(report).length === 0) process.exitCode = 1;
// Drivers may keep sockets open for a moment; everything was closed and written.
process.exit();

async function measure({ rows, smoke = false, trace }: Options): Promise<BenchReport> {
  const measured: Record<string, ReportedRow> = {};
  const leftOut: Record<string, string> = {};
  const loadBefore = loadavg()[0] ?? 0;
  const bar = process.stderr.isTTY
    ? new SingleBar({ format: '{bar} {value}/{total} {what}', stream: process.stderr, clearOnComplete: true })
    : null;
  const progress = (what: string) => (bar ? bar.update({ what }) : process.stderr.write(`${what}\n`));
  bar?.start(rows.length, 0, { what: '' });
  for (const id of rows) {
    try {
      const run = await (ROWS[id] as () => Promise<Measure>)();
      const row = reportedRow(await run({ smoke, progress, ...(trace !== undefined && { trace }) }));
      if (row) measured[id] = row;
      else leftOut[id] = 'it gave no figure.';
    } catch (error) {
      leftOut[id] = error instanceof Error ? error.message : String(error);
    }
    bar?.increment();
  }
  bar?.stop();
  return {
    date: new Date().toISOString(),
    commit: commit(),
    smoke,
    machine: {
      processors: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      loadBefore: Math.round(10 * loadBefore) / 10,
      node: process.version,
    },
    rows: measured,
    leftOut,
  };
}

/** The rows by their names at the top, where whoever compares expects them; the rest beside them. */
function forMachines({ rows, ...rest }: BenchReport): Record<string, unknown> {
  return { ...rows, run: rest };
}

/** Each row with the run that measured it; rows that were not measured now stay as they are. */
async function save(saved: BenchReport): Promise<void> {
  const { rows, leftOut: _, ...run } = saved;
  const file = path.join(RESULTS, 'results.json');
  mkdirSync(RESULTS, { recursive: true });
  const kept: Record<string, unknown> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  for (const [id, row] of Object.entries(rows)) kept[id] = { run, ...row };
  const inOrder = Object.fromEntries(Object.entries(kept).sort(([a], [b]) => a.localeCompare(b)));
  writeFileSync(file, `${JSON.stringify(inOrder, null, 2)}\n`);
  const counts = new Map<string, number>();
  for (const row of allParts(saved)) {
    const part = (counts.get(row.id) ?? 0) + 1;
    counts.set(row.id, part);
    writeFileSync(
      path.join(RESULTS, `${row.id.toLowerCase()}${part > 1 ? `-${part}` : ''}.svg`),
      await plotRow(row),
    );
  }
  console.error('Written to docs/bench/.');
}

async function judgeSmoke(now: BenchReport): Promise<void> {
  if (!existsSync(SMOKE_BASELINE)) {
    console.error('There is no bench/smoke-baseline.json to compare with; --save-baseline makes one.');
    process.exitCode = 1;
    return;
  }
  const baseline = JSON.parse(readFileSync(SMOKE_BASELINE, 'utf8')) as BenchReport;
  let losses = findLosses(baseline, now);
  for (let time = 1; time < SMOKE_TIMES && losses.length > 0; time++) {
    for (const { sentence } of losses) console.error(`${sentence} Measured again.`);
    const rows = [...new Set(losses.map(({ row }) => row))];
    losses = lostInBoth(losses, findLosses(baseline, await measure({ ...options, rows })));
  }
  for (const { sentence } of losses) console.error(sentence);
  const missing = Object.keys(now.leftOut);
  if (missing.length > 0) console.error(`Nothing can be said of ${missing.join(', ')}.`);
  if (losses.length > 0 || missing.length > 0) process.exitCode = 1;
  else console.error('No ratio fell by more than a third.');
}

function toRows(text: string): string[] {
  const rows = text.split(',').map((one) => one.trim().toUpperCase());
  const unknown = rows.filter((row) => !(row in ROWS));
  if (unknown.length > 0)
    program.error(`There is no row ${unknown.join(', ')}; there are ${Object.keys(ROWS).join(', ')}.`);
  return rows;
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
