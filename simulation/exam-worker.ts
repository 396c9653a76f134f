import { parentPort, workerData } from 'node:worker_threads';
import { type ExamOptions, examine } from './exam.ts';
import { MUTANTS } from './mutants/all-mutants.ts';

export interface ExamReport {
  readonly name: string;
  readonly foundAfter: number | null;
  readonly seed: number | null;
  readonly violation: string | null;
  readonly error: string | null;
}

const options = workerData as ExamOptions;

parentPort?.on('message', async (name: string) => {
  const mutant = MUTANTS.find((one) => one.name === name);
  if (!mutant) throw new Error(`There is no mutant ${name}.`);
  const nothing = { name: mutant.name, foundAfter: null, seed: null, violation: null };
  try {
    const { foundAfter, seed, violation } = await examine(mutant, options);
    parentPort?.postMessage({ ...nothing, foundAfter, seed, violation, error: null } satisfies ExamReport);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    parentPort?.postMessage({ ...nothing, error: message } satisfies ExamReport);
  }
});
