import { parentPort, workerData } from 'node:worker_threads';
import { startSharedEngine } from './engine.ts';
import { SeedRunner } from './product.ts';
import type { SeedResult } from './run-seed.ts';
import { Reached } from './world/reached.ts';

export interface SeedsOrder {
  readonly seed: number;
  readonly steps: number;
  readonly runs: number;
  readonly without: readonly string[];
  /** this thread takes run `first`, `first + every` and so on */
  readonly first: number;
  readonly every: number;
  readonly twiceEvery: number;
}

export interface SeedReport extends Omit<SeedResult, 'steps'> {
  readonly reached: Readonly<Record<string, number>>;
  /** how often each fault has struck at each fault point */
  readonly points: Readonly<Record<string, number>>;
  /** whether it was run again and gave the same trace */
  readonly twice: boolean;
}

const order = workerData as SeedsOrder;
const runner = await SeedRunner.open(await startSharedEngine(), null);
for (let i = order.first; i < order.runs; i += order.every) {
  const reached = new Reached();
  const seed = order.seed + i;
  const { steps, without } = order;
  const { steps: _, ...result } = await runner.run({ seed, steps, without, reached });
  // The first, and then one in a hundred (DST-1).
  const twice = i % order.twiceEvery === 0;
  const again = twice ? await runner.run({ seed, steps, without }) : null;
  const differs = again !== null && again.trace !== result.trace;
  const failure =
    result.failure ?? (differs ? `DST-1 the same seed gave ${result.trace} and ${again.trace}` : null);
  parentPort?.postMessage({
    ...result,
    failure,
    reached: reached.toJSON(),
    points: reached.points,
    twice,
  } satisfies SeedReport);
}
parentPort?.postMessage(null);
