import { MasklineError } from '../../src/domain/errors.ts';
import { type Random, seededRandom } from '../../src/lib/random.ts';
import type { Log } from '../../src/observe/log.ts';
import type { Database } from '../../src/storage/sql/connection.ts';
import { Judge } from '../checks/judge.ts';
import { Observer } from '../checks/observer.ts';
import { Permissions } from '../checks/permissions.ts';
import { checkState } from '../checks/state-invariants.ts';
import { NO_RATES } from './fault-plan.ts';
import type { CommitWatch } from './faulty-database.ts';
import { judgedLog } from './judged-log.ts';
import { findCall, Operator } from './operator.ts';
import { OperatorNetwork } from './operator-network.ts';
import { OrderTopic } from './order-topic.ts';
import { PurchaseWatch } from './purchase-watch.ts';
import { Reached } from './reached.ts';
import { createReplica, type Replica } from './replica.ts';
import { ReplicaLife, type Weather } from './replica-life.ts';
import { Scheduler } from './scheduler.ts';
import { drawShape, type Shape } from './shape.ts';
import { SimBus } from './sim-bus.ts';
import { SimClock } from './sim-clock.ts';
import { Trace } from './trace.ts';
import { Violation } from './violation.ts';

const START = Date.UTC(2026, 0, 1);
const REPLICAS = 2;

export interface WorldOptions {
  readonly seed: number;
  readonly database: Database;
  /** kinds of faults and actions that do not happen */
  readonly without: readonly string[];
  readonly reached?: Reached;
}

/** Everything of one run: the product's replicas, and all that is around them. */
export class World {
  readonly seed: number;
  readonly database: Database;
  readonly without: readonly string[];
  readonly shape: Shape;
  readonly reached: Reached;
  readonly trace: Trace;
  readonly clock = new SimClock(START);
  /** what people and the scheduler do */
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly weather: Weather;
  readonly bus = new SimBus();
  readonly orderTopic: OrderTopic;
  readonly operators: readonly Operator[];
  readonly judge: Judge;
  readonly observer: Observer;
  readonly permissions: Permissions;
  readonly network = new OperatorNetwork(this);
  /** by the key of a caller, in hexadecimal digits */
  readonly phoneByKey = new Map<string, number>();
  replicas: Replica[] = [];
  /** what people and machines outside wait for */
  inFlight = 0;
  /** told to nobody yet: a run ends at the first */
  failure: Error | null = null;
  #dirty = false;
  #incarnation = 0;
  readonly #busyJobs = new Set<string>();
  readonly #purchaseWatch = new PurchaseWatch(this);
  readonly #log: Log = judgedLog(this);

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    this.database = options.database;
    this.without = options.without;
    this.reached = options.reached ?? new Reached();
    this.trace = new Trace(() => this.clock.now());
    this.random = seededRandom(options.seed * 7_919 + 1);
    this.shape = drawShape(seededRandom(options.seed * 104_729 + 3), options.without);
    this.weather = { rates: NO_RATES, databaseDown: false, databaseFull: false, busDown: false };
    this.scheduler = new Scheduler({ clock: this.clock, random: this.random, trace: this.trace, gating: 0 });
    this.orderTopic = new OrderTopic(this.bus, this.random, (text) => this.trace.say(text));
    const { network } = this;
    const deps = { clock: this.clock, sender: network.deliver.bind(network) };
    this.operators = [
      new Operator('main', 'US', { ...deps, random: seededRandom(options.seed + 11) }),
      new Operator('second', 'GB', { ...deps, random: seededRandom(options.seed + 12) }),
    ];
    this.observer = new Observer({
      now: () => this.clock.now(),
      pool: this.shape.pool,
      phoneByKey: this.phoneByKey,
      callEnd: (callId) => this.callEnd(callId),
      skewMs: 2 * this.shape.skewMs,
      reached: this.reached,
    });
    this.permissions = new Permissions(this.shape.skewMs);
    this.judge = new Judge(this.observer.sessions, {
      pool: this.shape.pool,
      reached: this.reached,
      callEnd: (callId) => this.callEnd(callId),
      hourlyCap: this.shape.hourlyCap,
      skewMs: this.shape.skewMs,
      permissions: this.permissions,
    });
  }

  close(): void {
    for (const { life } of this.replicas) {
      // Whatever is still under way must not reach the database of the next run.
      life.alive = false;
      life.clock.kill();
      this.scheduler.forget(life);
    }
    for (const operator of this.operators) operator.close();
  }

  // ——— chance ———

  int(count: number): number {
    return Math.floor(this.random.next() * count);
  }

  chance(probability: number): boolean {
    return this.random.next() < probability;
  }

  pick<T>(values: readonly T[]): T | undefined {
    return values[this.int(values.length)];
  }

  // ——— work ———

  /** Starts something that somebody outside wants, and does not wait for it. */
  start(name: string, work: Promise<unknown>): void {
    this.inFlight++;
    this.trace.note(`start ${name}`);
    work
      .then(
        (value) => this.trace.note(`done ${name} ${value === undefined ? '' : JSON.stringify(value)}`),
        (error: unknown) => this.fail(name, error),
      )
      .finally(() => this.inFlight--);
  }

  /** What somebody outside is told; a promise that was broken on the way ends the run. */
  fail(name: string, error: unknown): void {
    if (error instanceof Violation) this.failure ??= error;
    const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    this.trace.note(`failed ${name} ${what}`);
    this.reached.count(
      `failed: ${error instanceof MasklineError ? error.code : error instanceof Error ? error.name : 'other'}`,
    );
    if (error instanceof TypeError || error instanceof RangeError || /Invariant violated/.test(what)) {
      this.failure ??= new Violation(`DST-2 ${name} failed with a programmer's error: ${what}`);
    }
  }

  /** A replica that could be asked now. */
  anyReplica(): Replica | undefined {
    return this.pick(this.replicas.filter(({ life }) => life.alive && !life.paused));
  }

  runJob(replica: Replica, name: string): void {
    const job = replica.jobs.find((one) => one.name === name);
    const key = `${replica.life.name}/${this.replicas.indexOf(replica)}/${name}`;
    if (!job || this.#busyJobs.has(key)) return;
    this.#busyJobs.add(key);
    const run = replica.life.orDeath(job.run(new AbortController().signal));
    this.start(
      `${replica.life.name} ${name}`,
      run.finally(() => this.#busyJobs.delete(key)),
    );
  }

  poll(): void {
    this.orderTopic.poll(this.replicas, this.clock.now(), (name, work) => this.start(name, work));
  }

  // ——— time ———

  /** Sees what was committed before time moves or anything else happens. */
  async observe(): Promise<void> {
    if (this.failure) throw this.failure;
    if (!this.#dirty) return;
    this.#dirty = false;
    // A row may carry the time of a replica whose clock is ahead: it lives until every clock says that it does not.
    await checkState(this.database, this.clock.now() + this.shape.skewMs).catch((error: unknown) => {
      throw this.broken(error);
    });
  }

  /** What is judged on behalf of somebody may be taken by them for a broken connection: the run ends by it all the same. */
  broken(error: unknown): unknown {
    this.failure ??= error as Error;
    return error;
  }

  async advance(ms: number, draining: boolean): Promise<void> {
    await this.scheduler.advance(ms, { draining, beforeTimeMoves: () => this.observe() });
  }

  // ——— replicas ———

  /** The first of them. */
  createReplicas(): Replica {
    this.replicas = Array.from({ length: REPLICAS }, (_, index) => this.#createReplica(index));
    return this.replicas[0] as Replica;
  }

  #createReplica(index: number): Replica {
    const incarnation = this.#incarnation++;
    const life: ReplicaLife = new ReplicaLife(`r${index}.${incarnation}`, {
      scheduler: this.scheduler,
      weather: this.weather,
      reached: this.reached,
      random: seededRandom(this.seed * 31 + incarnation),
      onDeath: () => this.#onDeath(life),
    });
    return createReplica({
      life,
      seed: (this.seed * 1_009 + incarnation) >>> 0,
      database: this.database,
      commitWatch: this.#commitWatch,
      bus: this.bus,
      operators: this.operators,
      providerWatch: this.#purchaseWatch,
      log: this.#log,
      gathers: this.shape.gathers,
      hourlyCap: this.shape.hourlyCap,
    });
  }

  #onDeath(life: ReplicaLife): void {
    this.reached.count('a replica died');
    this.judge.deaths.set(life.name, this.clock.now());
    this.trace.say(`${life.name}  dies`);
    const replica = this.replicas.find((one) => one.life === life);
    // The group notices after its session time-out.
    this.clock.after(6_000, () => replica && this.orderTopic.leave(replica, this.replicas));
  }

  restart(index: number): void {
    this.replicas[index]?.life.die();
    const replica = this.#createReplica(index);
    this.replicas[index] = replica;
    this.trace.say(`${replica.life.name}  starts`);
    this.reached.count('a replica started again');
    if (this.shape.skewMs > 0) this.skew(replica.life);
    this.orderTopic.rebalance(this.replicas);
  }

  skew(life: ReplicaLife): void {
    life.clock.skewMs = Math.round((this.random.next() * 2 - 1) * this.shape.skewMs);
    this.trace.say(`${life.name}  its clock is ${life.clock.skewMs} ms off`);
  }

  readonly #commitWatch: CommitWatch = {
    beforeCommit: async (connection) => {
      const rows = await this.observer.read(connection);
      return () => {
        this.#dirty = true;
        try {
          this.observer.see(rows);
        } catch (error) {
          this.failure ??= error as Error;
        }
      };
    },
    changed: () => {
      this.#dirty = true;
    },
  };

  // ——— telephony ———

  callEnd(callId: string): number | null {
    for (const { exchange } of this.operators) {
      const call = findCall(exchange, callId);
      if (call) return call.endedAt ?? Number.POSITIVE_INFINITY;
    }
    return null;
  }

  operatorOf(virtualNumber: string): Operator {
    const holder = this.operators.find(({ exchange }) => exchange.numbers.find(virtualNumber));
    return holder ?? (this.operators[0] as Operator);
  }
}
