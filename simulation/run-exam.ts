import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
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
  readonly json?: boolean;
}

/** Plants every defect and prints what found it. Returns the exit code. */
export async function runExam(command: ExamCommand): Promise<number> {
  const mutants = MUTANTS.filter((one) => command.mutant === undefined || one.name === command.mutant);
  if (mutants.length === 0) throw new Error(`There is no mutant “${command.mutant}”.`);
  const seeds = command.runs > 1 ? command.runs : SEEDS_DEFAULT;
  const queue = mutants.map((mutant) => mutant.name);
  const reports: ExamReport[] = [];
  const threads = Math.min(command.jobs, availableParallelism(), queue.length);
  await Promise.all(
    Array.from({ length: threads }, () =>
      examineFrom(queue, { seed: command.seed, steps: command.steps, seeds }, (one) => {
        reports.push(one);
        if (!command.json) console.log(rowOf(one));
      }),
    ),
  );
  const found = reports.filter((one) => one.foundAfter !== null).length;
  if (command.json)
    console.log(
      JSON.stringify({ ok: found === mutants.length, found, of: mutants.length, reports }, null, 2),
    );
  else
    console.log(
      `${found === mutants.length ? 'ok' : 'FAILED'} exam=${found}/${mutants.length} seed=${command.seed} steps=${command.steps} seeds=${seeds}`,
    );
  return found === mutants.length ? 0 : 1;
}

function examineFrom(
  queue: string[],
  options: { seed: number; steps: number; seeds: number },
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
