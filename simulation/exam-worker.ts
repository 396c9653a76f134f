import { parentPort, workerData } from 'node:worker_threads';
import { type ExamOptions, examine, type Find } from './exam.ts';
import { MUTANTS } from './mutants/all-mutants.ts';

export interface ExamReport extends Find {
  readonly name: string;
  /** why the exam of this one could not be held to its end */
  readonly error: string | null;
}

const options = workerData as ExamOptions;

parentPort?.on('message', async (name: string) => {
  const mutant = MUTANTS.find((one) => one.name === name);
  if (!mutant) throw new Error(`There is no mutant ${name}.`);
  try {
    const find = await examine(mutant, options);
    parentPort?.postMessage({ name, ...find, error: null } satisfies ExamReport);
  } catch (error) {
    const nothing = { foundAfter: null, seed: null, violation: null, violated: null };
    const message = error instanceof Error ? error.message : String(error);
    parentPort?.postMessage({ name, ...nothing, error: message } satisfies ExamReport);
  }
});
