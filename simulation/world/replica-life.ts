import type { Random } from '../../src/lib/random.ts';
import type { FaultKind, FaultRates } from './fault-plan.ts';
import type { Reached } from './reached.ts';
import { never, type Scheduler, type Waiter } from './scheduler.ts';
import { ReplicaClock } from './sim-clock.ts';

/** What strikes every replica at once. */
export interface Weather {
  rates: FaultRates;
  databaseDown: boolean;
  databaseFull: boolean;
  busDown: boolean;
}

/** Thrown into whatever a replica was doing when it died, so that its transaction is undone. */
export class ReplicaDied extends Error {
  constructor() {
    super('The replica died.');
    this.name = 'ReplicaDied';
  }
}

/** The life of one replica: it waits, it is struck by faults, it stops for a while, it dies. */
export class ReplicaLife implements Waiter {
  readonly name: string;
  readonly clock: ReplicaClock;
  readonly scheduler: Scheduler;
  readonly weather: Weather;
  readonly reached: Reached;
  readonly #random: Random;
  alive = true;
  paused = false;
  /** faults that have struck it, so that a judge knows when something may have gone wrong */
  struck = 0;
  /** so many fault points later it dies; null: it does not */
  fuse: number | null = null;
  readonly #death: Promise<never>;
  #die: (error: Error) => void = () => {};
  readonly #onDeath: () => void;

  constructor(
    name: string,
    deps: { scheduler: Scheduler; weather: Weather; reached: Reached; random: Random; onDeath: () => void },
  ) {
    this.name = name;
    this.scheduler = deps.scheduler;
    this.weather = deps.weather;
    this.reached = deps.reached;
    this.#random = deps.random;
    this.#onDeath = deps.onDeath;
    this.clock = new ReplicaClock(deps.scheduler.clock);
    this.#death = new Promise<never>((_, reject) => {
      this.#die = reject;
    });
    this.#death.catch(() => {});
  }

  pass(point: string): Promise<void> {
    return this.scheduler.pass(this, point);
  }

  /** Whether this fault strikes here and now. */
  strikes(kind: FaultKind, point: string): boolean {
    const rate = this.weather.rates[kind];
    if (rate === 0 || this.#random.next() >= rate) return false;
    this.reached.count(`fault ${kind}`);
    this.reached.countAt(kind, point);
    this.scheduler.trace.say(`${this.name}  ! ${kind} at ${point}`);
    this.struck++;
    return true;
  }

  /** Index of the part that a fault picks, so that it may strike anywhere in a transaction. */
  draw(count: number): number {
    return Math.floor(this.#random.next() * count);
  }

  /** A fault point at which the process may die. */
  async mayDie(point: string): Promise<void> {
    const burnsDown = this.fuse !== null && this.fuse-- === 0;
    if (!this.alive || ((burnsDown || this.strikes('crash', point)) && this.die())) return never();
  }

  die(): true {
    if (!this.alive) return true;
    this.alive = false;
    this.struck++;
    this.clock.kill();
    this.scheduler.forget(this);
    this.#die(new ReplicaDied());
    this.#onDeath();
    return true;
  }

  pause(): void {
    this.paused = true;
    this.struck++;
    this.clock.pause();
  }

  resume(): void {
    this.paused = false;
    this.clock.resume();
  }

  /** What somebody outside gets of `work`: its result, or a broken connection when the replica dies. */
  orDeath<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#death]);
  }
}
