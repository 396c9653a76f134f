import type { PGlite } from '@electric-sql/pglite';
import { startSharedEngine } from './engine.ts';
import { loadProduct } from './load-product.ts';
import type { Mutant } from './mutants/mutant.ts';
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

export interface ExamResult {
  readonly mutant: Mutant;
  /** how many seeds it took, or null when none of them found it */
  readonly foundAfter: number | null;
  readonly seed: number | null;
  readonly violation: string | null;
}

interface Try {
  readonly seed: number;
  readonly without: readonly string[];
}

let shared: Promise<PGlite> | undefined;

/** Plants one defect and runs seeds until one of them finds it. @throws Error when it cannot be planted */
export async function examine(mutant: Mutant, options: ExamOptions): Promise<ExamResult> {
  const { SeedRunner } = await loadProduct(mutant);
  shared ??= startSharedEngine();
  // A defect of the schema would stay, so it has an engine of its own.
  const engine = mutant.schema === undefined ? await shared : await startSharedEngine();
  const runner = await SeedRunner.open(engine, mutant.schema ?? null);
  const known = options.before?.[mutant.name];
  const tries: Try[] = Array.from({ length: options.seeds }, (_, i) => ({
    seed: options.seed + i,
    without: [],
  }));
  // Some were found before there were any of those.
  if (known !== undefined) tries.unshift({ seed: known, without: [] }, { seed: known, without: [FURTHER] });
  for (const [i, { seed, without }] of tries.entries()) {
    const { failure } = await runner.run({ seed, steps: options.steps, without });
    if (failure === null) continue;
    // What the product itself cannot do proves nothing about the defect.
    const isKnown = without.length === 0 && seed <= (options.unharmedTo ?? 0);
    if (!isKnown && (await unharmed({ seed, without }, options.steps)) !== null) continue;
    return { mutant, foundAfter: i + 1, seed, violation: failure };
  }
  return { mutant, foundAfter: null, seed: null, violation: null };
}

/** What this seed finds in the product as it is: nothing. */
async function unharmed({ seed, without }: Try, steps: number): Promise<string | null> {
  const { SeedRunner } = await loadProduct(null);
  shared ??= startSharedEngine();
  const runner = await SeedRunner.open(await shared, null);
  return (await runner.run({ seed, steps, without })).failure;
}
