import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runAsAdmin } from '../../src/storage/testing/open-test-postgres.ts';
import { BROKERS, LEFT_OUT } from '../production/kafka-topics.ts';
import { until } from '../system/product.ts';
import { FaultWorld } from './fault-world.ts';
import { LONG, limit, note } from './long-form.ts';
import { missingPrograms, PatroniCluster } from './patroni/patroni-cluster.ts';
import { statementsOnStandby } from './patroni/standby-statements.ts';

const missing = missingPrograms();
const reasons = [
  ...(BROKERS === null ? [LEFT_OUT] : []),
  ...(missing.length > 0
    ? [
        `was left out, because ${missing.join(', ')} is missing (Debian: apt-get install patroni etcd-server postgresql-15)`,
      ]
    : []),
  ...(process.env.MASKLINE_PATRONI === '1'
    ? []
    : ['was left out, because it takes five minutes (MASKLINE_PATRONI=1)']),
];
const ROUNDS = Number(process.env.MASKLINE_PATRONI_ROUNDS ?? 1);
const SETTLE_LIMIT_MS = 60_000;

if (BROKERS === null || reasons.length > 0) {
  describe('a pair of PostgreSQL nodes under Patroni', () => {
    it(reasons[0] ?? '', (context) => context.skip());
  });
} else {
  const brokers = BROKERS;
  let cluster: PatroniCluster;
  let world: FaultWorld;

  beforeAll(async () => {
    cluster = await PatroniCluster.start();
    const primary = await cluster.whole();
    world = await FaultWorld.start({
      brokers,
      given: { adminUrl: cluster.urlOf(primary), url: cluster.url('maskline') },
      callsPerSecond: 40,
      ordersPerSecond: 4,
    });
    await world.phase('warm-up', () => world.passed(2_000));
  }, 180_000);
  afterAll(async () => {
    await world?.stop();
    await cluster?.stop();
  });
  beforeEach(async () => {
    await cluster.whole();
    world.calls.phase('settled');
    const before = world.calls.connectedIn('settled');
    await until('connected calls', () => world.calls.connectedIn('settled') > before + 20, SETTLE_LIMIT_MS);
  }, 2 * SETTLE_LIMIT_MS);

  /** From the fault until calls, each of which is a row that is acknowledged, are connected again. */
  async function throughout(name: string, fault: () => Promise<void>, settleMs = 3_000): Promise<object> {
    const report = await world.phase(name, async () => {
      await world.passed(1_000);
      await fault();
      // What was connected while it lasted proves nothing about afterwards.
      const before = world.calls.connectedIn(name);
      await until('calls again', () => world.calls.connectedIn(name) > before + 40, 120_000);
      await world.passed(settleMs);
    });
    note(name, report);
    world.assertAlive();
    expect(report).toMatchObject({ unanswered: 0, misrouted: 0, late: 0 });
    // Softly, because what comes after it tells more than one slow answer of a busy machine.
    expect.soft(report.max).toBeLessThan(limit(600));
    return report;
  }

  describe('a pair of PostgreSQL nodes under Patroni', { timeout: 300_000 }, () => {
    it('FLT-07: the primary crashes: writes again within 5 s', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const primary = await cluster.whole();
        const report = await throughout(`FLT-07 crash ${round}`, async () => primary.crashPostgres());
        expect(report).toMatchObject({
          longestGapMs: expect.toSatisfy((gap: number) => gap <= limit(5_000)),
        });
      }
    });

    it('FLT-09: a planned switch: writes again within 3 s, and nothing asked of a standby', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const report = await throughout(`FLT-09 switchover ${round}`, () => cluster.switchover());
        expect(report).toMatchObject({
          longestGapMs: expect.toSatisfy((gap: number) => gap <= limit(3_000)),
        });
      }
      const asked = cluster.nodes.map((node) => statementsOnStandby(cluster.logOf(node)));
      note('FLT-09 statements', { asked });
      for (const each of asked) expect(each.ofTheRouter).toBe(0);
      // Else the log would not have been read at all.
      expect(asked.reduce((sum, each) => sum + each.onPrimary, 0)).toBeGreaterThan(100);
    });

    it('FLT-08: the node of the primary dies: writes again within 25 s', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const primary = await cluster.whole();
        const report = await throughout(`FLT-08 node death ${round}`, () => primary.die()).finally(() =>
          primary.start(),
        );
        expect(report).toMatchObject({
          longestGapMs: expect.toSatisfy((gap: number) => gap <= limit(25_000)),
        });
        await cluster.whole();
      }
    });

    it.each([true, false])('FLT-10: etcd is away for a minute, with failsafe_mode %s', async (failsafe) => {
      await cluster.configure({ failsafe_mode: failsafe });
      await world.passed(6_000);
      const awayMs = LONG ? 60_000 : 20_000;
      const report = await throughout(`FLT-10 failsafe_mode ${failsafe}`, async () => {
        await cluster.stopEtcd();
        await world.passed(awayMs);
        cluster.startEtcd();
      });
      note(`FLT-10 failsafe_mode ${failsafe}`, report);
      const allowedMs = failsafe ? 1_000 : awayMs + 10_000;
      expect(report).toMatchObject({
        longestGapMs: expect.toSatisfy((gap: number) => gap <= limit(allowedMs)),
      });
    });

    it('FLT-11: the synchronous standby stands still: nothing acknowledged is lost, and it goes on', async () => {
      const standby = cluster.other(await cluster.whole());
      const report = await throughout('FLT-11 standby stands still', async () => {
        standby.freeze();
        await world.passed(LONG ? 40_000 : 25_000);
        standby.thaw();
      });
      expect(report).toMatchObject({ longestGapMs: expect.toSatisfy((gap: number) => gap <= limit(25_000)) });
    });

    it('FLT-12: the old primary stands still for a minute, and wakes: it takes no write', async () => {
      const old = await cluster.whole();
      const report = await throughout('FLT-12 zombie', async () => {
        old.freeze();
        await world.passed(LONG ? 60_000 : 30_000);
        old.thaw();
      });
      const now = await cluster.whole();
      expect(now.name).toBe(cluster.other(old).name);
      const rows = await runAsAdmin<{ standby: boolean }>(
        cluster.urlOf(old),
        'select pg_is_in_recovery() as standby',
      );
      expect(rows).toEqual([{ standby: true }]);
      expect(report).toMatchObject({ longestGapMs: expect.toSatisfy((gap: number) => gap <= limit(25_000)) });
    });

    it('after all of that nothing that was acknowledged is lost', async () => {
      note('History', await world.check());
    });
  });
}
