import type { Random } from '../../src/lib/random.ts';
import type { SimClock } from './sim-clock.ts';
import type { Trace } from './trace.ts';

/** Whoever can be made to wait: a replica. */
export interface Waiter {
  readonly name: string;
  readonly alive: boolean;
  readonly paused: boolean;
}

interface Gate {
  readonly waiter: Waiter;
  readonly point: string;
  readonly open: () => void;
}

const SETTLING_TURNS = 3;

/** For work whose process has died: it is never heard of again. */
export function never<T>(): Promise<T> {
  return new Promise(() => {});
}

/**
 * Decides what happens next. Every await of a replica that reaches its database, its bus or a provider stops at
 * a gate before and after; between two decisions of the scheduler everything runs until all of it waits at a
 * gate or for a timer. PGlite answers within the call, so that one turn of the event loop is enough for that.
 */
export class Scheduler {
  readonly clock: SimClock;
  readonly random: Random;
  readonly trace: Trace;
  /** the probability that a gate makes its visitor wait: 0 is a sequential run, 1 the finest interleaving */
  gating: number;
  #gates: Gate[] = [];

  constructor(options: { clock: SimClock; random: Random; trace: Trace; gating: number }) {
    this.clock = options.clock;
    this.random = options.random;
    this.trace = options.trace;
    this.gating = options.gating;
  }

  pass(waiter: Waiter, point: string): Promise<void> {
    if (!waiter.alive) return never();
    if (!waiter.paused && this.random.next() >= this.gating) {
      this.trace.note(`${waiter.name} ${point}`);
      return Promise.resolve();
    }
    return new Promise((open) => this.#gates.push({ waiter, point, open }));
  }

  /** Gates that could open now. */
  get waiting(): number {
    let count = 0;
    for (const { waiter } of this.#gates) if (waiter.alive && !waiter.paused) count++;
    return count;
  }

  /** Opens one gate, whichever the seed says, and lets everything run. False when none can open. */
  async openOne(): Promise<boolean> {
    const open = this.#gates.filter(({ waiter }) => waiter.alive && !waiter.paused);
    const gate = open[Math.floor(this.random.next() * open.length)];
    if (!gate) return false;
    this.#gates.splice(this.#gates.indexOf(gate), 1);
    this.trace.note(`${gate.waiter.name} ${gate.point}`);
    gate.open();
    await this.settle();
    return true;
  }

  /** Opens gates until none is left that can open. */
  async drain(): Promise<void> {
    await this.settle();
    while (await this.openOne());
  }

  forget(waiter: Waiter): void {
    this.#gates = this.#gates.filter((gate) => gate.waiter !== waiter);
  }

  /** Lets everything run until all of it waits. */
  async settle(): Promise<void> {
    // More than one turn, because what gathers assignments waits for one before it looks at what has come.
    for (let turn = 0; turn < SETTLING_TURNS; turn++) {
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
  }

  /**
   * Moves time, stopping at each timer that falls due, so that what it wakes sees the time at which it was woken.
   * With `draining`, gates open as well before time goes on; without it, whoever waits at one is delayed.
   */
  async advance(
    byMs: number,
    options: { draining: boolean; beforeTimeMoves: () => Promise<void> },
  ): Promise<void> {
    const until = this.clock.now() + byMs;
    for (;;) {
      // Whoever is still on the way to a timer or a gate gets there first, or its time would begin too late.
      if (options.draining) await this.drain();
      else await this.settle();
      await options.beforeTimeMoves();
      const due = this.clock.nextDue();
      if (due === null || due > until) break;
      this.clock.moveTo(due);
      await this.settle();
    }
    this.clock.moveTo(until);
    await this.settle();
  }
}
