import type {
  WebhookRequest as SignedRequest,
  WebhookResponse,
} from '../../simulator/exchange/webhook-sender.ts';
import { createPool } from '../../src/app/create-pool.ts';
import { importVirtualNumber } from '../../src/app/import-virtual-number.ts';
import { MasklineError } from '../../src/domain/errors.ts';
import { authenticateWebhook, findWebhookAccount } from '../../src/http/webhooks/authenticate-webhook.ts';
import { receiveWebhook } from '../../src/http/webhooks/receive-webhook.ts';
import { type Random, seededRandom } from '../../src/lib/random.ts';
import type { Log } from '../../src/observe/log.ts';
import type { WebhookKind } from '../../src/providers/provider.ts';
import { type Database, statement, systemScope } from '../../src/storage/sql/connection.ts';
import { checkState } from '../checks/state-invariants.ts';
import { type Asked, Judge } from '../checks/judge.ts';
import { Observer } from '../checks/observer.ts';
import { Permissions } from '../checks/permissions.ts';
import { NO_RATES } from './fault-plan.ts';
import type { CommitWatch } from './faulty-database.ts';
import { findCall, Operator, type ProviderWatch } from './operator.ts';
import { OrderTopic } from './order-topic.ts';
import { mentionsSomebody, phoneNumber, phoneOf, SECOND } from './people.ts';
import { Reached } from './reached.ts';
import { createReplica, POOL, type Replica, TENANT } from './replica.ts';
import { ReplicaLife, type Weather } from './replica-life.ts';
import { Scheduler } from './scheduler.ts';
import { drawShape, type Shape } from './shape.ts';
import { SimBus } from './sim-bus.ts';
import { SimClock } from './sim-clock.ts';
import { Trace } from './trace.ts';
import { demand, Violation } from './violation.ts';

const START = Date.UTC(2026, 0, 1);
const REPLICAS = 2;

const intentOf = statement(
  'simulation_intent',
  `select id from intent where tenant = $1 and virtual_number = $2 and kind = $3 and state in ('planned', 'asked')`,
);
const numberBusy = statement(
  'simulation_number_busy',
  `select 1 from route where tenant = $1 and (virtual_number = $2 or caller_id = $2) and (resting_until is null or resting_until > $3)`,
);

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
  replicas: Replica[] = [];
  /** what people and machines outside wait for */
  inFlight = 0;
  readonly asked: Asked[] = [];
  /** told to nobody yet: a run ends at the first */
  failure: Error | null = null;
  readonly unexpected: string[] = [];
  #dirty = false;
  #incarnation = 0;
  readonly #busyJobs = new Set<string>();

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
    const sender = this.#deliver.bind(this);
    const deps = { clock: this.clock, sender };
    this.operators = [
      new Operator('main', 'US', { ...deps, random: seededRandom(options.seed + 11) }),
      new Operator('second', 'GB', { ...deps, random: seededRandom(options.seed + 12) }),
    ];
    const phoneByKey = new Map<string, number>();
    this.observer = new Observer({
      now: () => this.clock.now(),
      pool: this.shape.pool,
      phoneByKey,
      callEnd: (callId) => this.callEnd(callId),
      skewMs: 2 * this.shape.skewMs,
      reached: this.reached,
    });
    this.#phoneByKey = phoneByKey;
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

  readonly #purchases = new Map<Operator, number>();
  readonly #phoneByKey: Map<string, number>;

  /** A tenant, two accounts, a pool, and the first look at the stock; without any fault. */
  async open(): Promise<void> {
    for (let i = 0; i < REPLICAS; i++) this.replicas.push(this.#createReplica(i));
    const { app } = this.replicas[0] as Replica;
    await app.storage.system.tenantInsert(TENANT, 'A company', this.clock.now());
    const keys = await app.vault.keysOf(TENANT);
    for (const operator of this.operators) {
      const row = {
        tenant: TENANT,
        id: operator.accountId,
        name: operator.account,
        provider: 'simulator',
        settings: {},
        sealedCredentials: keys.sealText('{}', { table: 'provider_account', row: operator.accountId }),
      };
      await app.storage.run(TENANT, (s) => s.providerAccounts.insert(row, this.clock.now()));
      const { monthlyPurchases } = this.shape;
      if (monthlyPurchases === null) continue;
      const budget = { monthlyPurchaseMax: monthlyPurchases, monthlyChurnMax: null };
      await app.storage.run(TENANT, (s) => s.providerAccounts.setBudget(operator.account, budget));
    }
    await createPool(app, { tenant: TENANT, pool: this.shape.pool });
    if (this.shape.secondAccount) await this.#importSome();
    for (let person = 0; person < this.shape.people; person++) {
      for (const phone of [person, person + SECOND]) {
        this.#phoneByKey.set(Buffer.from(keys.callerKey(phoneNumber(phone))).toString('hex'), phone);
      }
    }
    await this.scheduler.settle();
    this.runJob(this.replicas[0] as Replica, 'stock-keeper');
    await this.scheduler.drain();
    this.orderTopic.rebalance(this.replicas);
    this.weather.rates = this.shape.rates;
    this.scheduler.gating = this.shape.gating;
    if (this.shape.skewMs > 0) for (const { life } of this.replicas) this.skew(life);
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

  get rates(): Shape['rates'] {
    return this.weather.rates;
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
        (error: unknown) => this.#failed(name, error),
      )
      .finally(() => this.inFlight--);
  }

  #failed(name: string, error: unknown): void {
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
    await checkState(this.database, this.clock.now() + this.shape.skewMs);
  }

  async advance(ms: number, draining: boolean): Promise<void> {
    await this.scheduler.advance(ms, { draining, beforeTimeMoves: () => this.observe() });
  }

  // ——— replicas ———

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
      providerWatch: this.#providerWatch,
      log: this.#log,
      gathers: this.shape.gathers,
      hourlyCap: this.shape.hourlyCap,
    });
  }

  #onDeath(life: ReplicaLife): void {
    this.reached.count('a replica died');
    this.judge.deaths.push(this.clock.now());
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

  readonly #providerWatch: ProviderWatch = {
    purchaseAsked: async (operator, virtualNumber) => {
      this.reached.count('purchase');
      const bought = (this.#purchases.get(operator) ?? 0) + 1;
      this.#purchases.set(operator, bought);
      const { monthlyPurchases } = this.shape;
      if (bought === monthlyPurchases) this.reached.count('a budget was spent');
      demand(
        monthlyPurchases === null || bought <= monthlyPurchases,
        () => `INV-35 ${operator.account} was asked for ${bought} numbers: ${monthlyPurchases} may be bought`,
      );
      const rows = await this.database.run(systemScope, (connection) =>
        connection.query(intentOf, [TENANT, virtualNumber, 'provision']),
      );
      demand(
        rows.length > 0,
        () => `INV-33 ${virtualNumber} was ordered from ${operator.account} without an intent`,
      );
    },
    giveBackAsked: async (operator, virtualNumber) => {
      this.reached.count('number given back');
      // By the clock that is furthest ahead of all: a rest that is over for nobody.
      const values = [TENANT, virtualNumber, new Date(this.clock.now() + this.shape.skewMs)];
      const rows = await this.database.run(systemScope, (connection) => connection.query(numberBusy, values));
      demand(
        rows.length === 0,
        () => `INV-34 ${virtualNumber} was given back to ${operator.account} while it is in use`,
      );
    },
  };

  readonly #log: Log = {
    debug: () => {},
    info: (fields, message) => this.#logged(fields, message),
    warn: (fields, message) => this.#logged(fields, message),
    error: (fields, message) => this.#logged(fields, message),
    child: () => this.#log,
  };

  #logged(fields: object, message: string): void {
    const error = 'error' in fields && fields.error instanceof Error ? fields.error.message : '';
    const text = `${message} ${error} ${JSON.stringify(fields)}`;
    this.trace.note(`log ${message} ${error}`);
    this.reached.count('log lines read');
    if (mentionsSomebody(text))
      this.failure ??= new Violation(`INV-28 a log line holds a real number: ${message}`);
    if ('error' in fields && fields.error instanceof Violation) this.failure ??= fields.error;
  }

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

  /** The network between the operators and us: it asks some replica, sometimes two, and sometimes loses the answer. */
  async #deliver(request: SignedRequest, signal: AbortSignal): Promise<WebhookResponse> {
    const first = this.ask(request);
    if (this.random.next() < this.rates.askTwice) {
      this.reached.count('fault askTwice');
      this.start('asked twice', this.ask(request));
    }
    const response = await Promise.race([first, aborted(signal)]);
    if (this.random.next() < this.rates.answerLost) {
      this.reached.count('fault answerLost');
      throw new Error('The answer was lost on its way.');
    }
    return response;
  }

  /** One delivery of one webhook to one replica, judged. */
  async ask(request: SignedRequest, options: { illegitimate?: boolean } = {}): Promise<WebhookResponse> {
    const replica = this.anyReplica();
    if (!replica) throw new Error('Nobody answers.');
    const [, , , , accountId = '', pathSecret = '', kind = ''] = request.url.split('/');
    const { life, app } = replica;
    let askedAt = this.clock.now();
    const struck = life.struck;
    const skewMs = life.clock.skewMs;
    const handled = async (): Promise<WebhookResponse> => {
      await life.pass('before webhook');
      await life.mayDie('before webhook');
      // The deadline counts from here: what waits in the network is not ours.
      askedAt = this.clock.now();
      const webhook = {
        method: 'POST',
        url: request.url,
        headers: request.headers,
        rawBody: Buffer.from(request.body),
        remoteAddress: '127.0.0.1',
      };
      const path = { accountId, pathSecret, kind: kind as WebhookKind };
      const account = await findWebhookAccount(app, path);
      authenticateWebhook(app, account, webhook);
      const response = await receiveWebhook(app, account, kind as WebhookKind, webhook);
      await life.mayDie('after webhook');
      return { status: response.status, body: response.body };
    };
    const content = JSON.parse(request.body) as Record<string, string>;
    const id = content.callId ?? content.messageId ?? '';
    const question = {
      kind: kind === 'answer' ? ('call' as const) : ('message' as const),
      id,
      account: accountId,
      from: phoneOf(content.from ?? ''),
      dialled: content.to ?? '',
      digits: content.digits ?? null,
    };
    if (kind !== 'status') this.judge.limits.asked({ ...question, at: askedAt });
    const response = await life.orDeath(handled()).catch((error: unknown): WebhookResponse => {
      if (error instanceof MasklineError)
        return { status: error.code.includes('AUTHENTIC') ? 401 : 503, body: '' };
      if (!life.alive) throw error;
      this.#failed('webhook', error);
      return { status: 503, body: '' };
    });
    await this.observe();
    this.trace.note(`${life.name} ${kind} ${id} ${response.status} ${response.body}`);
    const arrived = response.status === 200;
    if (kind === 'status') {
      if (arrived && content.event === 'ended') this.judge.reportedEnd.set(id, this.clock.now());
      return response;
    }
    if (!arrived) return response;
    const asked: Asked = {
      ...question,
      askedAt,
      answeredAt: this.clock.now(),
      body: response.body,
      skewMs,
      excused: life.struck !== struck || this.weather.databaseFull || this.weather.databaseDown,
      illegitimate: options.illegitimate ?? false,
    };
    this.asked.push(asked);
    this.judge.hear(asked);
    return response;
  }

  async #importSome(): Promise<void> {
    const second = this.operators[1] as Operator;
    const { app } = this.replicas[0] as Replica;
    for (const { virtualNumber } of second.exchange.numbers.search(second.country, 1 + this.int(4))) {
      second.exchange.numbers.sell(virtualNumber, {});
      await importVirtualNumber(app, {
        tenant: TENANT,
        virtualNumber: virtualNumber as never,
        pool: POOL,
        providerAccount: second.account,
        capabilities: ['voice', 'sms'],
      });
    }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(new Error('The operator did not wait any longer.'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  });
}
