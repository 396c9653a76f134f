import { ANYBODY } from './callers.ts';
import { load } from './load.ts';

/** How a rate is tried. */
export interface Step {
  readonly seconds: number;
  readonly tries: number;
  readonly patienceMs: number;
  readonly restMs: number;
}

/** A broken run says the same twice, unless somebody else had the machine. */
export const THOROUGH: Step = { seconds: 4, tries: 2, patienceMs: 10_000, restMs: 3_000 };
/** Three rounds of a pair in five minutes. A call that waits for two seconds has failed here. */
export const QUICK: Step = { seconds: 3, tries: 1, patienceMs: 2_000, restMs: 1_500 };

export interface Search {
  readonly directory: string;
  readonly step: Step;
  readonly say: (text: string) => void;
}

/**
 * The highest rate that goes through whole: no failed call, and fewer than 1 in 100 repeated. Upwards by 30 % until it breaks
 * (or downwards by 30 % until it holds), then twice the middle: known to 7 %.
 */
export async function sustained(search: Search, first: number): Promise<number> {
  let best = 0;
  let broken = Number.POSITIVE_INFINITY;
  for (let rate = first; best === 0 || broken === Number.POSITIVE_INFINITY; ) {
    if (await isWhole(search, rate)) best = rate;
    else broken = rate;
    rate = Math.round(best === rate ? rate * 1.3 : rate / 1.3);
    if (rate < 10) return 0;
  }
  for (let middles = 0; middles < 2; middles++) {
    const rate = Math.round(Math.sqrt(best * broken));
    if (await isWhole(search, rate)) best = rate;
    else broken = rate;
  }
  return best;
}

async function isWhole({ directory, step, say }: Search, rate: number): Promise<boolean> {
  for (let time = 0; time < step.tries; time++) {
    const outcome = await load(directory, ANYBODY, rate, step.seconds, step.patienceMs);
    say(`    ${rate}/s: ${outcome.failed} failed, ${outcome.retransmissions} retransmissions${outcome.why}`);
    const whole = outcome.failed === 0 && outcome.retransmissions < outcome.calls / 100;
    // What a broken run leaves behind would spoil the next.
    await new Promise((resolve) => setTimeout(resolve, whole ? 300 : step.restMs));
    if (whole) return true;
  }
  return false;
}

/** CPU milliseconds a call, from the kernel's own count: it does not depend much on who else is busy. */
export interface Cost {
  readonly edge: number;
  readonly stub: number;
}

const COST_RATE = 400;
const COST_SECONDS = 5;

export async function costOf(directory: string, cpuMs: () => Cost): Promise<Cost> {
  // The first calls find pools empty and connections closed.
  await load(directory, ANYBODY, COST_RATE / 4, 1);
  const before = cpuMs();
  const { calls } = await load(directory, ANYBODY, COST_RATE, COST_SECONDS);
  const after = cpuMs();
  return { edge: (after.edge - before.edge) / calls, stub: (after.stub - before.stub) / calls };
}
