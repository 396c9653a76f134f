import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../system/product.ts';
import { CALM_LOOK_MS, CallProbe } from './call-probe.ts';
import { createDeployment, type Deployment } from './deployment.ts';
import { BROKERS, LEFT_OUT } from './kafka-topics.ts';
import { OrderLoad, percentile } from './order-load.ts';
import { OwnBroker } from './own-broker.ts';
import { Replica } from './replica.ts';

// The long form: MASKLINE_KILL_ROUNDS=50 MASKLINE_BROKER_AWAY_SECONDS=60 MASKLINE_BROKER_ROUNDS=50 MASKLINE_REBALANCE_SECONDS=120.
const ROUNDS = Number(process.env.MASKLINE_KILL_ROUNDS ?? 2);
const BROKER_AWAY_MS = 1_000 * Number(process.env.MASKLINE_BROKER_AWAY_SECONDS ?? 5);
const BROKER_ROUNDS = Number(process.env.MASKLINE_BROKER_ROUNDS ?? 1);
const REBALANCE_MS = 1_000 * Number(process.env.MASKLINE_REBALANCE_SECONDS ?? 12);
// The long form must not run out of numbers: no order ends here.
const ORDERS_A_TICK = ROUNDS > 10 ? 1 : 4;
const RECOVERY_LIMIT_MS = 15_000;
const SETTLE_LIMIT_MS = 60_000;
const TIMEOUT_MS = 120_000 + ROUNDS * 60_000 + 3 * (BROKER_ROUNDS * (BROKER_AWAY_MS + 30_000) + REBALANCE_MS);

if (BROKERS === null) {
  describe('kill loops', () => {
    it(LEFT_OUT, (context) => context.skip());
  });
} else {
  const brokers = BROKERS;
  const replicas: Replica[] = [];
  let deployment: Deployment;
  let load: OrderLoad;

  async function begin(lookMs?: number): Promise<CallProbe> {
    replicas.push(...(await Promise.all([1, 2].map(() => Replica.start(deployment.environment)))));
    load = new OrderLoad(deployment);
    await load.listen();
    const probe = await CallProbe.start(deployment, [...replicas], lookMs);
    load.start(ORDERS_A_TICK, 100);
    await until('the first announcements', () => load.announced.size > 20, 30_000);
    return probe;
  }

  /** How long it takes until an order that is acknowledged from now on has its numbers announced. */
  async function recovery(): Promise<number> {
    const from = performance.now();
    const before = load.acknowledged.size;
    await until(
      'an announcement of a new order',
      () => [...load.acknowledged.keys()].slice(before).some((reference) => load.announced.has(reference)),
      2 * RECOVERY_LIMIT_MS,
    );
    return performance.now() - from;
  }

  async function history(): Promise<{ orders: number; repeated: number }> {
    await load.stop();
    await load.settle(SETTLE_LIMIT_MS);
    return load.check(deployment.database);
  }

  function report(what: string, recoveries: readonly number[], facts: object): void {
    const worst =
      recoveries.length === 0 ? '' : `, recovery ${Math.round(Math.max(...recoveries))} ms at worst`;
    console.info(`${what}${worst}: ${JSON.stringify(facts)}`);
  }

  function note(recoveries: number[], ms: number): void {
    recoveries.push(ms);
    if (ROUNDS > 10 || BROKER_ROUNDS > 1) console.info(`Round ${recoveries.length}: ${Math.round(ms)} ms.`);
  }

  afterEach(async () => {
    await load?.close();
    await Promise.all(replicas.splice(0).map((replica) => replica.kill('SIGKILL')));
  });

  describe('kill loops', () => {
    beforeAll(async () => {
      deployment = await createDeployment(brokers, { numbers: 40_000 });
    });
    afterAll(() => deployment?.stop());

    it(`kill -9 of one of two replicas, ${ROUNDS} times`, { timeout: TIMEOUT_MS }, async () => {
      const probe = await begin();
      const recoveries: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const victim = replicas[round % 2];
        await victim?.kill('SIGKILL');
        note(recoveries, await recovery());
        await victim?.start();
      }
      const orders = await history();
      const calls = await probe.stop();
      report(`${ROUNDS} kills of a replica`, recoveries, { orders, calls });
      expect(Math.max(...recoveries)).toBeLessThan(RECOVERY_LIMIT_MS);
      expect(calls.unanswered).toBe(0);
    });

    it(`kill -9 of PostgreSQL, ${ROUNDS} times`, { timeout: TIMEOUT_MS }, async () => {
      const probe = await begin();
      const recoveries: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        await deployment.server.halt('crash');
        await deployment.server.resume();
        note(recoveries, await recovery());
      }
      // From here on PostgreSQL is up, and every call is answered again.
      const { unanswered } = probe;
      await until(
        'forty more calls',
        (
          (asked) => () =>
            probe.asked > asked + 40
        )(probe.asked),
        30_000,
      );
      const orders = await history();
      const calls = await probe.stop();
      report(`${ROUNDS} kills of PostgreSQL`, recoveries, { orders, calls });
      expect(Math.max(...recoveries)).toBeLessThan(RECOVERY_LIMIT_MS);
      expect(calls.unanswered).toBe(unanswered);
    });

    it(`a rebalance every 3 s for ${REBALANCE_MS / 1_000} s`, { timeout: TIMEOUT_MS }, async () => {
      const probe = await begin();
      const restless = await Replica.create({ ...deployment.environment, MASKLINE_ROLES: 'consumer' });
      replicas.push(restless);
      const from = performance.now();
      let changes = 0;
      while (performance.now() - from < REBALANCE_MS) {
        const next = performance.now() + 3_000;
        if (changes++ % 2 === 0) restless.spawn();
        else await restless.kill('SIGTERM');
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
      }
      await restless.kill('SIGKILL');
      const orders = await history();
      const calls = await probe.stop();
      const p99 = percentile(load.latencies(), 0.99);
      report(`${changes} members come and go`, [], { orders, calls, p99Ms: Math.round(p99) });
      expect(p99).toBeLessThan(10_000);
      expect(calls.unanswered).toBe(0);
    });
  });

  describe('a broker that goes away', () => {
    let broker: OwnBroker;
    beforeAll(async () => {
      broker = await OwnBroker.start();
      deployment = await createDeployment(broker.address, { numbers: 20_000 });
    });
    afterAll(async () => {
      await deployment?.stop();
      await broker?.clean();
    });

    const what = `for ${BROKER_AWAY_MS / 1_000} s, and comes back, ${BROKER_ROUNDS} times`;
    it(what, { timeout: TIMEOUT_MS }, async () => {
      const probe = await begin(BROKER_ROUNDS > 1 ? CALM_LOOK_MS : undefined);
      const recoveries: number[] = [];
      for (let round = 0; round < BROKER_ROUNDS; round++) {
        await broker.stop();
        const stoppedAt = performance.now();
        await until(
          'the time to pass',
          () => performance.now() - stoppedAt > BROKER_AWAY_MS,
          BROKER_AWAY_MS + 1_000,
        );
        await broker.start();
        note(recoveries, await recovery());
      }
      const orders = await history();
      const calls = await probe.stop();
      report('A broker was away', recoveries, {
        rounds: BROKER_ROUNDS,
        awayMs: BROKER_AWAY_MS,
        orders,
        calls,
      });
      expect(Math.max(...recoveries)).toBeLessThan(RECOVERY_LIMIT_MS);
      expect(calls.unanswered).toBe(0);
    });
  });
}
