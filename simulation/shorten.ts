import { CLOCK_ACTIONS } from './world/clock-actions.ts';
import { FAULT_KINDS } from './world/fault-plan.ts';
import { PERMISSION_ACTIONS } from './world/permission-actions.ts';
import { TIGHT_ACTIONS } from './world/tight-actions.ts';
import { TROUBLE } from './world/trouble.ts';
import type { SeedResult } from './run-seed.ts';

type Run = (options: { seed: number; steps: number; without: readonly string[] }) => Promise<SeedResult>;

/** What can be left out one by one, the faults first: a history without them is easier to read. */
const LEAVABLE = [
  ...FAULT_KINDS,
  'skew',
  ...PERMISSION_ACTIONS.map((action) => action.name),
  ...TIGHT_ACTIONS.map((action) => action.name),
  ...CLOCK_ACTIONS.map((action) => action.name),
  ...TROUBLE.map((action) => action.name),
  'poison',
  'forge',
  'text',
  'ask again',
  'change through the API',
  'close through the API',
  'place',
  'change a number',
];

export interface Shortened {
  readonly result: SeedResult;
  readonly without: readonly string[];
}

/**
 * Looks for a shorter way to the same kind of failure: fewer steps, then fewer kinds of faults and actions, each
 * left out if the seed still fails in the same invariant. At most `budget` runs.
 */
export async function shorten(
  run: Run,
  failed: SeedResult,
  without: readonly string[],
  budget: number,
): Promise<Shortened> {
  let best: Shortened = { result: failed, without };
  let left = budget;
  const attempt = async (steps: number, leaving: readonly string[]): Promise<boolean> => {
    if (left-- <= 0 || steps < 1) return false;
    const result = await run({ seed: failed.seed, steps, without: leaving });
    if (result.failure === null || kindOf(result.failure) !== kindOf(failed.failure ?? '')) return false;
    best = { result, without: leaving };
    return true;
  };
  const steps = (): number => best.result.failedAt ?? best.result.steps;
  await attempt(Math.min(failed.steps, steps() + 1), without);
  for (let piece = Math.floor(steps() / 2); piece >= 1; piece = Math.floor(piece / 2)) {
    while (await attempt(best.result.steps - piece, best.without));
  }
  for (const kind of LEAVABLE) {
    if (!best.without.includes(kind)) await attempt(best.result.steps, [...best.without, kind]);
  }
  return best;
}

/** The name of the invariant: a shorter history must break the same one. */
function kindOf(failure: string): string {
  return failure.split(' ')[0] ?? '';
}
