import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { BROKERS, LEFT_OUT } from '../production/kafka-topics.ts';
import type { Replica } from '../production/replica.ts';
import { until } from '../system/product.ts';
import { FaultWorld } from './fault-world.ts';
import { LONG, note } from './long-form.ts';
import { WebhookSender } from './load/webhook-sender.ts';
import { postgresTap, type StatementFault } from './proxy/postgres-tap.ts';

/** CI dies at so many points, spread over all; the long form at every one. */
const SHORT_POINTS = 2;
const REACHED_LIMIT_MS = 3_000;
/** The long form goes on from `MASKLINE_CRASH_FROM` until this, so that it can be done in parts. */
const PART_MS = 360_000;
const FROM = Number(process.env.MASKLINE_CRASH_FROM ?? 0);

if (BROKERS === null) {
  describe('crash points', () => {
    it(LEFT_OUT, (context) => context.skip());
  });
} else {
  const brokers = BROKERS;
  let world: FaultWorld;
  let replica: Replica;
  const sender = new WebhookSender();
  const points = new Set<string>();
  let trap: { readonly point: string; readonly when: 'before' | 'after' } | null = null;
  let restarting: Promise<void> | null = null;
  let calls = 0;

  /** Every statement is a point at which the process may die: before it reaches the server, or before its answer does. */
  function judge(statement: string, previous: string): StatementFault | null {
    const point = nameOf(statement, previous);
    points.add(point);
    if (trap?.point !== point) return null;
    const { when } = trap;
    trap = null;
    const die = (): void => {
      restarting = replica.kill('SIGKILL').then(() => replica.start());
    };
    if (when === 'after') return { kind: 'lost_reply', onReply: die };
    die();
    return { kind: 'lost_request' };
  }

  beforeAll(async () => {
    world = await FaultWorld.start({
      brokers,
      replicas: 1,
      bindings: 5,
      callsPerSecond: 0,
      ordersPerSecond: 0,
      tap: postgresTap(judge),
    });
    const [only] = world.replicas;
    if (!only) throw new Error('There is no replica.');
    replica = only;
  });
  afterAll(async () => {
    trap = null;
    await restarting;
    sender.close();
    await world?.stop();
  });

  /** Asks until somebody answers, as providers do. */
  async function ask(kind: 'answer' | 'status', body: object): Promise<string> {
    let answer: string | null = null;
    await until(
      'an answer',
      async () => {
        const reply = await sender.send(replica.port, kind, body, 2_000).catch(() => null);
        answer = reply?.status === 200 ? reply.body : null;
        return answer !== null;
      },
      60_000,
    );
    return answer ?? '';
  }

  /** One order with one call, from its assignment to its completion. */
  async function story(): Promise<void> {
    const binding = await world.orders.openOne();
    const [customer, driver] = binding.parties;
    let callId = '';
    await until(
      'a connected call',
      async () => {
        callId = `${binding.reference}-call-${calls++}`;
        const question = { callId, from: customer.realNumber, to: driver.virtualNumber };
        const answer = JSON.parse(await ask('answer', question)) as { action: string; to?: string };
        if (answer.action !== 'connect') return false;
        expect(answer.to).toBe(driver.realNumber);
        return true;
      },
      60_000,
    );
    world.calls.connectedCalls.set(callId, true);
    for (const event of ['answered', 'ended']) {
      const ended = event === 'ended' ? { termination: 'completed', durationSeconds: 1 } : {};
      await ask('status', { callId, event, at: new Date(systemClock.now()).toISOString(), ...ended });
    }
    await world.orders.finish(binding);
  }

  describe('crash points', () => {
    it('FLT-02: dies at a statement, starts again, and ends where it would have ended', async () => {
      await story();
      points.clear();
      await story();
      const all = [...points].flatMap((point) => [
        { point, when: 'before' as const },
        { point, when: 'after' as const },
      ]);
      expect(all.length).toBeGreaterThan(20);
      const step = Math.max(1, Math.floor(all.length / SHORT_POINTS));
      const chosen = LONG ? all.slice(FROM) : all.filter((_, i) => i % step === 5 % step);
      const missed: string[] = [];
      const startedAt = performance.now();
      let tried = 0;
      for (const each of chosen) {
        if (performance.now() - startedAt > PART_MS) break;
        tried++;
        trap = each;
        await story();
        await until('the point', () => trap === null, REACHED_LIMIT_MS).catch(() => {
          missed.push(`${each.when} ${each.point}`);
        });
        trap = null;
        await restarting;
      }
      note('FLT-02', { points: all.length, from: FROM, tried, died: tried - missed.length, missed });
      expect(missed.length).toBeLessThan(tried / 2);
      note('FLT-02 history', await world.check());
    }, 540_000);
  });
}

/** A commit is known by what it ends; of texts the beginning is enough. */
function nameOf(statement: string, previous: string): string {
  if (/commit$/.test(statement)) return `commit after ${previous.slice(0, 60)}`;
  return statement.replace(/\s+/g, ' ').slice(0, 60);
}
