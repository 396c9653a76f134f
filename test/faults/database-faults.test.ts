import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAsAdmin } from '../../src/storage/testing/open-test-postgres.ts';
import { BROKERS, LEFT_OUT } from '../production/kafka-topics.ts';
import { until } from '../system/product.ts';
import { FaultWorld } from './fault-world.ts';
import { LONG, limit, note } from './long-form.ts';

const SETTLED_MS = 2_000;

if (BROKERS === null) {
  describe('faults of the database', () => {
    it(LEFT_OUT, (context) => context.skip());
  });
} else {
  const brokers = BROKERS;
  let world: FaultWorld;

  beforeAll(async () => {
    world = await FaultWorld.start({
      brokers,
      callsPerSecond: LONG ? 50 : 20,
      ordersPerSecond: LONG ? 8 : 4,
      bindings: LONG ? 1_000 : 200,
    });
    await world.phase('warm-up', () => world.passed(1_500));
  });
  afterAll(() => world?.stop());

  const admin = (sql: string): Promise<unknown> => runAsAdmin(world.deployment.server.url, sql);

  describe('faults of the database', () => {
    it('without a fault: every call of a live order is connected', async () => {
      const report = await world.phase('quiet', () => world.passed(LONG ? 20_000 : 2_000));
      note('No fault', report);
      expect(report).toMatchObject({ neutral: 0, unanswered: 0, misrouted: 0, late: 0 });
      expect(report.connected).toBeGreaterThan(20);
    });

    it.each(['fast', 'crash'] as const)(
      'FLT-05: a %s restart: errors only while it is down, and no process ends',
      async (how) => {
        await world.phase(`down ${how}`, async () => {
          await world.deployment.server.halt(how);
          if (LONG) await world.passed(5_000);
          await world.deployment.server.resume();
        });
        const upAt = performance.now();
        await until('a call after it', () => world.calls.connectedIn(`after down ${how}`) > 0, 10_000);
        const recoveryMs = Math.round(performance.now() - upAt);
        if (recoveryMs < SETTLED_MS) await world.passed(SETTLED_MS - recoveryMs);
        const after = await world.phase(`up ${how}`, () => world.passed(LONG ? 10_000 : 1_000));
        note(`FLT-05 ${how}`, { recoveryMs, down: world.calls.report(`down ${how}`), after });
        expect(recoveryMs).toBeLessThan(limit(2_000));
        expect(after).toMatchObject({ neutral: 0, unanswered: 0, misrouted: 0, late: 0 });
        world.assertAlive();
      },
    );

    it('FLT-06: every session is terminated every 2 s', async () => {
      const report = await world.phase('terminate', async () => {
        for (let round = 0; round < (LONG ? 20 : 2); round++) {
          await admin(
            `select pg_terminate_backend(pid) from pg_stat_activity
              where application_name = 'maskline' and usename is not null`,
          );
          await world.passed(2_000);
        }
      });
      note('FLT-06', report);
      expect(report.connected / (report.connected + report.neutral + report.unanswered)).toBeGreaterThan(
        0.99,
      );
      world.assertAlive();
    });

    it('after all of that the history is whole', async () => {
      note('History', await world.check());
    });
  });
}
