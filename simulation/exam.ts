import { type SharedEngine, startSharedEngine } from './engine.ts';
import { loadProduct } from './load-product.ts';
import type { Mutant } from './mutants/mutant.ts';
import type { SeedResult } from './run-seed.ts';
import { FURTHER } from './world/shape.ts';

export interface ExamOptions {
  readonly seed: number;
  readonly steps: number;
  /** seeds for each mutant */
  readonly seeds: number;
  /** by mutant, a seed that found it before and is tried first */
  readonly before?: Readonly<Record<string, number>>;
  /** seeds up to this one are known to find nothing in the product as it is */
  readonly unharmedTo?: number;
}

export interface Find {
  /** how many seeds it took, or null when none of them found it */
  readonly foundAfter: number | null;
  readonly seed: number | null;
  readonly violation: string | null;
  /** the promise that was broken */
  readonly violated: string | null;
}

export interface Try {
  readonly seed: number;
  readonly without: readonly string[];
}

/** A run of this seed, with the defect or without it. */
export type Run = (one: Try) => Promise<Pick<SeedResult, 'failure' | 'violated'>>;

const NOTHING: Find = { foundAfter: null, seed: null, violation: null, violated: null };

let shared: Promise<SharedEngine> | undefined;

/** Plants one defect and runs seeds until one of them finds it. @throws Error when it cannot be planted, or as `findBy` does */
export async function examine(mutant: Mutant, options: ExamOptions): Promise<Find> {
  const { steps } = options;
  shared ??= startSharedEngine();
  // A defect of the schema would stay, so it has an engine of its own.
  const engine = mutant.schema === undefined ? await shared : await startSharedEngine();
  const harmed = await runOf(mutant, engine, steps);
  const unharmed = await runOf(null, await shared, steps);
  return findBy(harmed, unharmed, triesOf(mutant, options), options.unharmedTo ?? 0);
}

async function runOf(mutant: Mutant | null, engine: SharedEngine, steps: number): Promise<Run> {
  const { SeedRunner } = await loadProduct(mutant);
  const runner = await SeedRunner.open(engine, mutant?.schema ?? null);
  return (one) => runner.run({ ...one, steps });
}

function triesOf(mutant: Mutant, { seed, seeds, before }: ExamOptions): Try[] {
  const tries: Try[] = Array.from({ length: seeds }, (_, i) => ({ seed: seed + i, without: [] }));
  const known = before?.[mutant.name];
  // Some were found before there were any of those.
  return known === undefined
    ? tries
    : [{ seed: known, without: [] }, { seed: known, without: [FURTHER] }, ...tries];
}

/**
 * The first of the tries that breaks a promise with the defect and none without it.
 *
 * @param unharmedTo seeds up to this one are known to break none without it
 * @throws Error when a run ends in anything but a promise that has a name: then the exam is broken, not the promise
 */
export async function findBy(
  harmed: Run,
  unharmed: Run,
  tries: readonly Try[],
  unharmedTo: number,
): Promise<Find> {
  for (const [i, one] of tries.entries()) {
    const { failure, violated } = named(one, 'with the defect', await harmed(one));
    if (failure === null) continue;
    // What the product itself cannot do proves nothing about the defect.
    const isKnown = one.without.length === 0 && one.seed <= unharmedTo;
    if (!isKnown && named(one, 'without the defect', await unharmed(one)).failure !== null) continue;
    return { foundAfter: i + 1, seed: one.seed, violation: failure, violated };
  }
  return NOTHING;
}

/** The rules of the simulation itself (DST) are none of the product's promises: a defect that breaks them breaks the run. */
function named<T extends { failure: string | null; violated: string | null }>(
  one: Try,
  how: string,
  result: T,
): T {
  const { failure, violated } = result;
  if (failure === null || (violated !== null && !violated.startsWith('DST-'))) return result;
  throw new Error(
    `Seed ${one.seed} ${how} ended in an error that breaks no promise of the product: ${failure}`,
  );
}
