import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from 'pg';
import { seededRandom } from '../../src/lib/random.ts';
import { runAsAdmin } from '../../src/storage/testing/open-test-postgres.ts';
import { BROKERS, LEFT_OUT } from '../production/kafka-topics.ts';
import { until } from '../system/product.ts';
import { FaultWorld } from './fault-world.ts';
import { LONG, limit, neutralAllowed, note } from './long-form.ts';
import { postgresTap, type StatementFault } from './proxy/postgres-tap.ts';

const SETTLED_MS = 2_000;
/** Of each replica. */
const CONNECTIONS = 25;

if (BROKERS === null) {
  describe('faults of the database', () => {
    it(LEFT_OUT, (context) => context.skip());
  });
} else {
  const brokers = BROKERS;
  let world: FaultWorld;
  const random = seededRandom(16);
  const befallen = new Map<string, number>();
  let share = 0;

  /** FLT-16: what befalls that share of all statements. */
  function judge(): StatementFault | null {
    if (random.next() >= share) return null;
    const faults: readonly StatementFault[] = [
      { kind: 'refused', sqlState: '40001' },
      { kind: 'refused', sqlState: '40P01' },
      { kind: 'terminated' },
      { kind: 'lost_reply' },
    ];
    const fault = faults[Math.floor(random.next() * faults.length)] ?? null;
    if (fault) befallen.set(fault.kind, (befallen.get(fault.kind) ?? 0) + 1);
    return fault;
  }

  beforeAll(async () => {
    world = await FaultWorld.start({
      brokers,
      tap: postgresTap(judge),
      environment: { MASKLINE_DATABASE_POOL_SIZE: String(CONNECTIONS) },
      callsPerSecond: LONG ? 50 : 20,
      ordersPerSecond: LONG ? 8 : 4,
      bindings: LONG ? 1_000 : 200,
    });
    await world.phase('warm-up', () => world.passed(1_500));
  });
  afterAll(() => world?.stop());

  /** Holds a table so that nobody else can even read it. */
  async function whileLocked(table: string, work: () => Promise<unknown>): Promise<void> {
    const client = new Client({ connectionString: world.deployment.databaseUrl });
    await client.connect();
    try {
      await client.query(`begin; lock table maskline.${table} in access exclusive mode`);
      await work();
    } finally {
      await client.end();
    }
  }

  /**
   * Somebody lists something through the API, over all connections of each replica but one, from a table that is locked
   * and that nothing else reads here; again whenever the server gives up on it. @returns how many connections waited for
   * the lock, each time that it was looked
   */
  async function whileAllButOneWait(ms: number): Promise<number[]> {
    const from = performance.now();
    const waiting: number[] = [];
    const listing = async (ask: () => Promise<unknown>): Promise<void> => {
      while (performance.now() - from < ms) await ask();
    };
    await whileLocked('purchase_approval', async () => {
      const lists = world.replicas.flatMap((replica) =>
        Array.from({ length: CONNECTIONS - 1 }, () =>
          listing(() => replica.ask('GET', '/v1/purchase-approvals', undefined, world.deployment.apiKey)),
        ),
      );
      const counting = listing(async () => {
        const [row] = await runAsAdmin(
          world.deployment.databaseUrl,
          `select count(*)::int as count from pg_stat_activity
            where application_name = 'maskline' and wait_event_type = 'Lock'`,
        );
        waiting.push(Number((row as { count: number } | undefined)?.count));
        await world.passed(250);
      });
      await Promise.all([...lists, counting]);
    });
    return waiting;
  }

  /** Until nothing is owed but what has just been sent. */
  async function caughtUp(limitMs: number): Promise<number> {
    const from = performance.now();
    const fresh = (LONG ? 8 : 4) * 4;
    await until('orders that were kept waiting', () => world.orders.missing <= fresh, limitMs);
    return Math.round(performance.now() - from);
  }

  const admin = (sql: string): Promise<unknown> => runAsAdmin(world.deployment.server.url, sql);

  describe('faults of the database', () => {
    it('without a fault: every call of a live order is connected', async () => {
      const report = await world.phase('quiet', () => world.passed(LONG ? 10_000 : 2_000));
      note('No fault', report);
      expect(report).toMatchObject({ unanswered: 0, misrouted: 0, late: 0 });
      expect(report.neutral).toBeLessThanOrEqual(neutralAllowed(report.connected));
      expect(report.connected).toBeGreaterThan(20);
    });

    it.each(['fast', 'crash'] as const)(
      'FLT-05: a %s restart: errors only while it is down, and no process ends',
      async (how) => {
        await world.phase(`down ${how}`, async () => {
          await world.deployment.server.halt(how);
          if (LONG) await world.passed(3_000);
          await world.deployment.server.resume();
        });
        const upAt = performance.now();
        await until('a call after it', () => world.calls.connectedIn(`after down ${how}`) > 0, 10_000);
        const recoveryMs = Math.round(performance.now() - upAt);
        if (recoveryMs < SETTLED_MS) await world.passed(SETTLED_MS - recoveryMs);
        const after = await world.phase(`up ${how}`, () => world.passed(LONG ? 5_000 : 1_000));
        note(`FLT-05 ${how}`, { recoveryMs, down: world.calls.report(`down ${how}`), after });
        expect(recoveryMs).toBeLessThan(limit(2_000));
        expect(after).toMatchObject({ unanswered: 0, misrouted: 0, late: 0 });
        expect(after.neutral).toBeLessThanOrEqual(neutralAllowed(after.connected));
        world.assertAlive();
      },
    );

    it('FLT-06: every session is terminated every 2 s', async () => {
      const report = await world.phase('terminate', async () => {
        for (let round = 0; round < (LONG ? 10 : 2); round++) {
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

    it('FLT-13: the orders wait for a lock: calls are connected meanwhile, and orders catch up', async () => {
      const report = await world.phase('locked orders', () =>
        whileLocked('session', () => world.passed(LONG ? 30_000 : 3_000)),
      );
      const caughtUpMs = await caughtUp(limit(10_000));
      note('FLT-13 orders', { caughtUpMs, ...report });
      expect(report).toMatchObject({ unanswered: 0, misrouted: 0, late: 0 });
      expect(report.p99).toBeLessThan(limit(400));
      // The lock is on what orders need and calls do not.
      expect(report.neutral).toBeLessThanOrEqual(LONG ? report.connected / 100 : report.connected);
    });

    it('FLT-13: all connections but one wait for a lock: calls are connected over the one that is left', async () => {
      const memory = () =>
        Promise.all(world.replicas.map((replica) => replica.metric('process_resident_memory_bytes')));
      const before = await memory();
      let waiting: number[] = [];
      const report = await world.phase('one connection', async () => {
        waiting = await whileAllButOneWait(LONG ? 30_000 : 4_000);
      });
      const caughtUpMs = await caughtUp(limit(10_000));
      const grownMb = (await memory()).map((bytes, i) => ((bytes ?? 0) - (before[i] ?? 0)) / 2 ** 20);
      const held = waiting.sort((a, b) => a - b)[Math.floor(waiting.length / 2)];
      note('FLT-13 all but one', {
        caughtUpMs,
        held,
        most: waiting.at(-1),
        grownMb: grownMb.map(Math.round),
        ...report,
      });
      expect(report).toMatchObject({ unanswered: 0, misrouted: 0, late: 0 });
      // Those whose time is just over are asked anew.
      expect(held).toBeGreaterThanOrEqual(world.replicas.length * (CONNECTIONS - 1) * (LONG ? 0.9 : 0.5));
      expect(report.p99).toBeLessThan(limit(400));
      expect(report.neutral).toBeLessThanOrEqual(LONG ? report.connected / 100 : report.connected);
      for (const megabytes of grownMb) expect(megabytes).toBeLessThan(200);
    });

    it('FLT-17: the routes are locked: every call is answered in time, and all is well after it', async () => {
      const report = await world.phase('locked routes', () =>
        whileLocked('route', () => world.passed(LONG ? 30_000 : 3_000)),
      );
      const caughtUpMs = await caughtUp(limit(10_000));
      const after = await world.phase('unlocked routes', () => world.passed(LONG ? 5_000 : 1_000));
      note('FLT-17', { caughtUpMs, report, after });
      expect(report).toMatchObject({ unanswered: 0, misrouted: 0, late: 0 });
      expect(report.max).toBeLessThan(limit(500));
      expect(after).toMatchObject({ unanswered: 0, misrouted: 0, late: 0 });
      expect(after.neutral).toBeLessThanOrEqual(neutralAllowed(after.connected));
    });

    it.each(
      LONG
        ? [
            [50, 300],
            [200, 450],
            [2_000, 450],
          ]
        : [[2_000, 450]],
    )('FLT-14: a database that answers %i ms later', async (latency, p99) => {
      const report = await world.phase(`slow ${latency}`, async () => {
        world.proxy.add({ type: 'latency', attributes: { latency } });
        await world.passed(LONG ? 15_000 : 2_000);
        world.proxy.remove('latency');
      });
      const caughtUpMs = await caughtUp(30_000);
      note(`FLT-14 +${latency} ms`, { caughtUpMs, ...report });
      expect(report).toMatchObject({ unanswered: 0, misrouted: 0, late: 0 });
      expect(report.p99).toBeLessThan(limit(p99));
      if (latency === 50) expect(report.neutral).toBeLessThan(report.connected / 100);
    });

    it('FLT-15: a black hole: noticed, every call answered, nothing stuck when it heals', async () => {
      let noticedMs = Number.NaN;
      const report = await world.phase('black hole', async () => {
        const from = performance.now();
        for (const stream of ['upstream', 'downstream'] as const)
          world.proxy.add({ name: stream, type: 'timeout', stream, attributes: { timeout: 0 } });
        await until(
          'a replica that says it is not ready',
          async () => (await world.replicas[0]?.ask('GET', '/readyz'))?.status === 503,
          20_000,
        );
        noticedMs = Math.round(performance.now() - from);
        await world.passed(LONG ? 20_000 : 2_000);
        await world.proxy.reset();
      });
      const healedAt = performance.now();
      await until('a call after it', () => world.calls.connectedIn('after black hole') > 0, 10_000);
      const recoveryMs = Math.round(performance.now() - healedAt);
      const caughtUpMs = await caughtUp(30_000);
      note('FLT-15', { noticedMs, recoveryMs, caughtUpMs, ...report });
      expect(noticedMs).toBeLessThan(limit(3_000));
      expect(report).toMatchObject({ unanswered: 0, misrouted: 0, late: 0 });
      expect(report.max).toBeLessThan(limit(500));
      world.assertAlive();
    });

    it('FLT-16: a tenth of all statements fails, a quarter of those with the answer to a change lost', async () => {
      const report = await world.phase('failing', async () => {
        share = 0.1;
        await world.passed(LONG ? 30_000 : 4_000);
        share = 0;
      });
      const caughtUpMs = await caughtUp(30_000);
      note('FLT-16', { befallen: Object.fromEntries(befallen), caughtUpMs, ...report });
      expect(report).toMatchObject({ unanswered: 0, misrouted: 0, late: 0 });
      expect(report.connected / (report.connected + report.neutral)).toBeGreaterThan(LONG ? 0.999 : 0.8);
      world.assertAlive();
    });

    it('after all of that the history is whole', async () => {
      note('History', await world.check());
    });
  });
}
