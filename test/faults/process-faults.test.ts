import { rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { statement, systemScope } from '../../src/storage/sql/connection.ts';
import { BROKERS, LEFT_OUT } from '../production/kafka-topics.ts';
import { Replica, runCommand } from '../production/replica.ts';
import { nextVersion } from './next-version.ts';
import { until } from '../system/product.ts';
import { FaultWorld } from './fault-world.ts';
import { LONG, limit, note } from './long-form.ts';
import { WebhookSender } from './load/webhook-sender.ts';
import { withStaticFallback } from './static-fallback.ts';

const BLOCK_ON_SIGNAL = fileURLToPath(new URL('block-on-signal.ts', import.meta.url));
const ROUNDS = Number(process.env.MASKLINE_KILL_ROUNDS ?? (LONG ? 20 : 1));
const PUBLIC_URL = 'http://127.0.0.1:1';

const callRecords = statement(
  'fault_call_records',
  `select decision, state, duration_seconds as "durationSeconds", termination
     from call where provider_call_id = $1`,
);

if (BROKERS === null) {
  describe('faults of processes', () => {
    it(LEFT_OUT, (context) => context.skip());
  });
} else {
  const brokers = BROKERS;
  let world: FaultWorld;
  const sender = new WebhookSender();

  beforeAll(async () => {
    world = await FaultWorld.start({
      brokers,
      callsPerSecond: LONG ? 50 : 20,
      ordersPerSecond: LONG ? 8 : 4,
      bindings: LONG ? 1_000 : 200,
    });
    await world.phase('warm-up', () => world.passed(1_500));
  });
  afterAll(async () => {
    sender.close();
    await world?.stop();
  });

  const replica = (n: number): Replica => {
    const found = world.replicas[n % world.replicas.length];
    if (!found) throw new Error('There is no replica.');
    return found;
  };

  /** A question about a live order, under a call id of its own. */
  function question(callId: string): { callId: string; from: string; to: string } {
    const binding = world.orders.live.at(-1);
    if (!binding) throw new Error('There is no live order.');
    const [customer, driver] = binding.parties;
    return { callId, from: customer.realNumber, to: driver.virtualNumber };
  }

  const records = (callId: string): Promise<readonly object[]> =>
    world.deployment.database.run(systemScope, (connection) => connection.query(callRecords, [callId]));

  describe('webhooks that come more than once, and in the wrong order', () => {
    it('FLT-30: the same question 50 times at once over two replicas: one decision, the same bytes', async () => {
      for (let round = 0; round < (LONG ? 20 : 3); round++) {
        const asked = question(`same-${round}`);
        const replies = await Promise.all(
          Array.from({ length: 50 }, (_, i) => sender.send(replica(i).port, 'answer', asked, 10_000)),
        );
        // On a machine that is too busy one of fifty may be told the neutral sentence at its deadline.
        const connected = replies.filter(({ body }) => body.includes('"connect"'));
        expect(new Set(connected.map(({ body }) => body)).size).toBe(1);
        expect(connected.length).toBeGreaterThanOrEqual(LONG ? 50 : 25);
        expect(await records(asked.callId)).toHaveLength(1);
      }
    });

    it.each([
      ['completed before ringing', ['ended', 'ringing', 'answered']],
      ['completed twice', ['ringing', 'answered', 'ended', 'ended']],
      ['completed at both replicas at once', ['answered', 'ended|ended']],
    ])('FLT-31: %s: one record, with the right duration', async (what, events) => {
      const callId = `order-of-${what.replaceAll(' ', '-')}`;
      const answeredAt = systemClock.now();
      await sender.send(replica(0).port, 'answer', question(callId), 5_000);
      const report = (event: string, port: number): Promise<unknown> =>
        sender.send(
          port,
          'status',
          {
            callId,
            event,
            at: new Date(event === 'ended' ? answeredAt + 42_000 : answeredAt).toISOString(),
            sequence: 1,
            ...(event === 'ended' && { termination: 'completed', durationSeconds: 42 }),
          },
          5_000,
        );
      for (const [i, event] of events.entries()) {
        await Promise.all(event.split('|').map((each, j) => report(each, replica(i + j).port)));
      }
      expect(await records(callId)).toEqual([
        { decision: 'bridge', state: 'ended', durationSeconds: 42, termination: 'completed' },
      ]);
    });
  });

  describe('faults of processes', () => {
    it(`FLT-01: kill -9 of one of two, ${ROUNDS} times`, { timeout: 60_000 + ROUNDS * 30_000 }, async () => {
      const startsMs: number[] = [];
      const report = await world.phase('kill', async () => {
        for (let round = 0; round < ROUNDS; round++) {
          const victim = replica(round);
          await world.passed(500 + ((round * 377) % 1_000));
          await victim.kill('SIGKILL');
          const from = performance.now();
          victim.spawn();
          await until(
            'a good answer of the one that started again',
            async () => {
              const asked = question(`restart-${round}-${startsMs.length}-${performance.now()}`);
              const reply = await sender.send(victim.port, 'answer', asked, 1_000).catch(() => null);
              return reply?.body.includes('"connect"') === true;
            },
            60_000,
          );
          startsMs.push(performance.now() - from);
        }
      });
      const startMs = Math.round(Math.max(...startsMs));
      note('FLT-01', { rounds: ROUNDS, startMs, ...report });
      expect(report).toMatchObject({ misrouted: 0, late: 0 });
      expect(report.unanswered / report.asked).toBeLessThanOrEqual(0.001);
      expect(startMs).toBeLessThan(limit(5_000));
    });

    it.runIf(LONG)('FLT-03: kill -9 of the only one: the static document answers meanwhile', async () => {
      const [only, other] = [replica(0), replica(1)];
      await other.kill('SIGTERM');
      const report = await world.phase('only', () =>
        withStaticFallback(other.port, async () => {
          for (let round = 0; round < (LONG ? 4 : 1); round++) {
            await only.kill('SIGKILL');
            await only.start();
            await world.passed(500);
          }
        }),
      );
      await other.start();
      note('FLT-03', report);
      expect(report).toMatchObject({ unanswered: 0, misrouted: 0, late: 0 });
      expect(report.longestGapMs).toBeLessThan(limit(5_000));
    });

    it.runIf(LONG)('FLT-04: a rolling restart: no call fails, and each drains within 10 s', async () => {
      const drainsMs: number[] = [];
      const report = await world.phase('rolling', async () => {
        for (const each of world.replicas) {
          const from = performance.now();
          expect(await each.kill('SIGTERM')).toBe(0);
          drainsMs.push(Math.round(performance.now() - from));
          await each.start();
        }
      });
      note('FLT-04', { drainsMs, ...report });
      expect(report).toMatchObject({ neutral: 0, unanswered: 0, misrouted: 0, late: 0 });
      expect(Math.max(...drainsMs)).toBeLessThan(limit(10_000));
    });

    it('FLT-19: nowhere to write the log: it serves, and counts what was lost', async () => {
      const mute = await Replica.start(world.environment, { shell: 'exec >/dev/full;' });
      try {
        const reply = await sender.send(mute.port, 'answer', question('full-log'), 2_000);
        expect(JSON.parse(reply.body)).toMatchObject({ action: 'connect' });
        const lost = await mute.metric('maskline_log_lines_dropped_total');
        note('FLT-19', { lost });
        expect(lost).toBeGreaterThan(0);
        expect(mute.exited).toBe(false);
      } finally {
        await mute.kill('SIGTERM');
      }
    });

    it('FLT-35: stopped for a while (SIGSTOP): the other answers, and nobody is told a stale route', async () => {
      const stopped = replica(0);
      const report = await world.phase('stopped', async () => {
        process.kill(stopped.pid ?? 0, 'SIGSTOP');
        await world.passed(LONG ? 30_000 : 2_500);
        process.kill(stopped.pid ?? 0, 'SIGCONT');
      });
      const after = await world.phase('continued', () => world.passed(LONG ? 10_000 : 1_500));
      note('FLT-35 SIGSTOP', { report, after });
      expect(report).toMatchObject({ unanswered: 0, misrouted: 0, late: 0 });
      expect(after).toMatchObject({ unanswered: 0, misrouted: 0, late: 0 });
      await until('ready again', async () => (await stopped.ask('GET', '/readyz')).status === 200, 10_000);
      world.assertAlive();
    });

    it.runIf(LONG)(
      'FLT-35: an event loop that is blocked for 2 s is noticed by whoever asks for readyz',
      async () => {
        const blocked = await Replica.start({
          ...world.environment,
          NODE_OPTIONS: `--import=${BLOCK_ON_SIGNAL}`,
          BLOCKED_MS: '2000',
        });
        try {
          process.kill(blocked.pid ?? 0, 'SIGUSR2');
          const from = performance.now();
          const ready = async (): Promise<boolean> =>
            fetch(`http://127.0.0.1:${blocked.port}/readyz`, { signal: AbortSignal.timeout(500) }).then(
              ({ status }) => status === 200,
              () => false,
            );
          await until('not ready', async () => !(await ready()), 2_000);
          const noticedMs = Math.round(performance.now() - from);
          await until('ready again', ready, 20_000);
          const backMs = Math.round(performance.now() - from);
          note('FLT-35 blocked', { noticedMs, backMs });
          expect(noticedMs).toBeLessThan(2_000);
          const reply = await sender.send(blocked.port, 'answer', question('after-block'), 5_000);
          expect(JSON.parse(reply.body)).toMatchObject({ action: 'connect' });
        } finally {
          await blocked.kill('SIGTERM');
        }
      },
    );

    it.runIf(LONG)(
      'FLT-35: 256 files and 256 MB: connections beyond that wait or are refused, and it recovers',
      async () => {
        const narrow = await Replica.start(
          { ...world.environment, NODE_OPTIONS: '--max-old-space-size=256' },
          { shell: 'ulimit -n 256;' },
        );
        const idle: Socket[] = [];
        try {
          for (let i = 0; i < 400; i++) {
            const socket = connect(narrow.port, '127.0.0.1');
            socket.on('error', () => {});
            idle.push(socket);
          }
          await world.passed(1_000);
          const during = await sender.send(narrow.port, 'answer', question('narrow-1'), 1_500).then(
            ({ body }) => body,
            () => 'nothing',
          );
          for (const socket of idle) socket.destroy();
          await until(
            'an answer after it',
            async () => {
              const asked = question(`narrow-2-${performance.now()}`);
              const reply = await sender.send(narrow.port, 'answer', asked, 1_000).catch(() => null);
              return reply?.body.includes('"connect"') === true;
            },
            10_000,
          );
          note('FLT-35 narrow', { during: during === 'nothing' ? 'nothing' : 'an answer' });
          expect(narrow.exited).toBe(false);
        } finally {
          for (const socket of idle) socket.destroy();
          await narrow.kill('SIGTERM');
        }
      },
    );

    it.runIf(LONG)('FLT-04: to the next version, with a migration, while calls come in', async () => {
      const next = nextVersion();
      try {
        const report = await world.phase('upgrade', async () => {
          const migrated = await runCommand(['migrate'], world.deployment.environment, next);
          expect(migrated).toMatchObject({ code: 0 });
          expect(migrated.stdout).toContain('Applied 1');
          // Replicas of before go on with the schema of after.
          await world.passed(3_000);
          for (const each of world.replicas) {
            expect(await each.kill('SIGTERM')).toBe(0);
            each.root = next;
            await each.start();
          }
        });
        note('FLT-04 upgrade', report);
        expect(report).toMatchObject({ neutral: 0, unanswered: 0, misrouted: 0, late: 0 });
        // There is no way back: a version that does not know the newest migration does not start.
        const before = await runCommand(['serve'], { ...world.environment, MASKLINE_PUBLIC_URL: PUBLIC_URL });
        expect(before).toMatchObject({ code: 1 });
        expect(before.stderr).toContain('newer than this version');
      } finally {
        rmSync(next, { recursive: true, force: true });
      }
    });

    it('after all of that the history is whole', async () => {
      note('History', await world.check());
    });
  });
}
