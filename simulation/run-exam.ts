import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { ExamOptions } from './exam.ts';
import { readRecord, writeRecord } from './exam-record.ts';
import type { ExamReport } from './exam-worker.ts';
import { MUTANTS } from './mutants/all-mutants.ts';

/** Seeds for each mutant when nothing is said: the gate of the specification is 2,000. */
const SEEDS_DEFAULT = 200;

export interface ExamCommand {
  readonly seed: number;
  readonly steps: number;
  readonly runs: number;
  readonly jobs: number;
  readonly mutant?: string;
  /** begins with the seed that is on record, of each */
  readonly recheck?: boolean;
  /** writes what was found into the record and the table of docs/reliability.md */
  readonly record?: boolean;
  readonly unharmedTo?: number;
  readonly json?: boolean;
}

/** Plants every defect and prints what found it. Returns the exit code. */
export async function runExam(command: ExamCommand): Promise<number> {
  const names = command.mutant?.split(',');
  const mutants = MUTANTS.filter((one) => names === undefined || names.includes(one.name));
  if (mutants.length === 0) throw new Error(`There is no mutant “${command.mutant}”.`);
  const seeds = command.runs > 1 || command.recheck ? command.runs : SEEDS_DEFAULT;
  const { seed, steps } = command;
  const before = Object.fromEntries(
    Object.entries(readRecord().found).map(([name, one]) => [name, one.seed]),
  );
  const options = {
    seed,
    steps,
    seeds,
    ...(command.recheck && { before }),
    ...(command.unharmedTo !== undefined && { unharmedTo: command.unharmedTo }),
  };
  const queue = mutants.map((mutant) => mutant.name);
  const reports: ExamReport[] = [];
  const threads = Math.min(command.jobs, availableParallelism(), queue.length);
  await Promise.all(
    Array.from({ length: threads }, () =>
      examineFrom(queue, options, (one) => {
        reports.push(one);
        // At once, so that an exam that is stopped has not been for nothing.
        if (command.record) writeRecord([one], steps);
        if (!command.json) console.log(rowOf(one));
      }),
    ),
  );
  const found = reports.filter((one) => one.foundAfter !== null).length;
  const isWhole = found === mutants.length;
  const result = `${isWhole ? 'ok' : 'FAILED'} exam=${found}/${mutants.length} seed=${seed} steps=${steps} seeds=${seeds}`;
  if (command.json)
    console.log(JSON.stringify({ ok: isWhole, found, of: mutants.length, reports, result }, null, 2));
  else console.log(result);
  return isWhole ? 0 : 1;
}

function examineFrom(
  queue: string[],
  options: ExamOptions,
  note: (report: ExamReport) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./exam-worker.ts', import.meta.url), { workerData: options });
    const next = (): void => {
      const name = queue.shift();
      if (name === undefined) void worker.terminate().then(() => resolve());
      else worker.postMessage(name);
    };
    worker.on('message', (report: ExamReport) => {
      note(report);
      next();
    });
    worker.on('error', reject);
    next();
  });
}

function rowOf({ name, foundAfter, seed, violation, error }: ExamReport): string {
  if (error !== null) return `ERROR    ${name}: ${error}`;
  if (foundAfter === null) return `missed   ${name}`;
  return `${String(foundAfter).padStart(5)}    ${name} (seed ${seed}): ${violation?.split('\n')[0]?.slice(0, 120)}`;
}
