import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { servePending } from '../../src/app/serve-pending.ts';
import type { OpenOutcome } from '../../src/app/open-session.ts';
import { closeSession } from '../../src/app/close-session.ts';
import { ClosedReason } from '../../src/domain/session.ts';
import type { WorldOptions } from '../../src/app/testing/world.ts';
import { openTestPostgres, type TestPostgres } from '../../src/storage/testing/open-test-postgres.ts';
import { openRaceWorld, type RaceWorld } from './race-world.ts';

let server: TestPostgres;
let world: RaceWorld | null = null;
beforeAll(async () => {
  server = await openTestPostgres();
});
afterEach(async () => {
  await world?.close();
  world = null;
});
afterAll(() => server?.stop());

async function openWorld(options: Omit<WorldOptions, 'database'>): Promise<RaceWorld> {
  world = await openRaceWorld(server, options);
  return world;
}

const POOL = 'city';

function count(outcomes: readonly OpenOutcome[], outcome: OpenOutcome['outcome']): number {
  return outcomes.filter((candidate) => candidate.outcome === outcome).length;
}

describe('racing for the numbers of one pool', () => {
  it('lends all 100 numbers to 200 parallel assignments, each pair once, and leaves none idle', async () => {
    const { app, assign, check, tenant, clock } = await openWorld({ numbers: 100 });
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, i) => assign(`order-${i}`, [i, 200 + i])),
    );
    expect(count(outcomes, 'opened')).toBe(50);
    expect(count(outcomes, 'pending')).toBe(150);
    await check();
    const numbers = outcomes.flatMap((o) => o.session?.participants.map((p) => p.virtualNumber) ?? []);
    expect(new Set(numbers.filter((number) => number !== null)).size).toBe(100);
    expect((await app.storage.run(tenant, (s) => s.pools.stockNow(POOL, clock.now()))).idle).toBe(0);
  });

  it('goes on through the queue as numbers come back, while others still ask', async () => {
    const world = await openWorld({
      numbers: 40,
      pool: { numberQuarantineSeconds: 0, pairQuarantineSeconds: 0 },
    });
    const { app, assign, check, tenant } = world;
    const first = await Promise.all(Array.from({ length: 20 }, (_, i) => assign(`a-${i}`, [i, 100 + i])));
    expect(count(first, 'opened')).toBe(20);
    const close = (outcome: OpenOutcome) =>
      closeSession(app, {
        tenant,
        sessionId: outcome.session?.id ?? '',
        reason: ClosedReason.Closed,
      });
    const later = Array.from({ length: 30 }, (_, i) => assign(`b-${i}`, [200 + i, 300 + i]));
    await Promise.all([
      ...first.map(close),
      ...later,
      ...Array.from({ length: 6 }, () => servePending(app, tenant, POOL)),
    ]);
    while ((await servePending(app, tenant, POOL)) > 0);
    await check();
    // 20 pairs are free again, and 30 wait: not one number may be left over.
    expect((await app.storage.run(tenant, (s) => s.pools.stockNow(POOL, world.clock.now()))).idle).toBe(0);
    expect(await app.storage.run(tenant, (s) => s.sessions.countPending(POOL))).toBe(10);
  });
});

describe('64 connections for the same 10 drivers', () => {
  const DRIVERS = 10;
  const ORDERS = 200;
  const race = (world: RaceWorld, attempt = 0): Promise<OpenOutcome[]> =>
    Promise.all(
      Array.from({ length: ORDERS }, (_, i) => world.assign(`order-${attempt}-${i}`, [100 + i, i % DRIVERS])),
    );

  it('opens every session of a dedicated pool that has enough', async () => {
    const world = await openWorld({ numbers: ORDERS * 2 });
    const outcomes = await race(world);
    expect(count(outcomes, 'opened')).toBe(ORDERS);
    await world.check();
    expect(await world.deadlocks()).toBe(0);
  });

  it('opens every session of a dedicated pool in which each driver has met a part', async () => {
    const world = await openWorld({
      numbers: ORDERS * 2 + 40,
      pool: { numberQuarantineSeconds: 0, pairQuarantineSeconds: 86_400 },
    });
    // Each driver has met 4 numbers, which that driver may not dial again today: 4 × 10 of 440.
    const before = await Promise.all(
      Array.from({ length: 40 }, (_, i) => world.assign(`before-${i}`, [600 + i, i % DRIVERS])),
    );
    await Promise.all(
      before.map((o) =>
        closeSession(world.app, {
          tenant: world.tenant,
          sessionId: o.session?.id ?? '',
          reason: ClosedReason.Cancelled,
        }),
      ),
    );
    expect(count(await race(world), 'opened')).toBe(ORDERS);
    await world.check();
  });

  it('opens every session of a shared pool that has as many numbers as the busiest driver needs', async () => {
    const busiest = ORDERS / DRIVERS;
    const world = await openWorld({ numbers: busiest + 1, pool: { mode: 'shared' } });
    const outcomes = await race(world);
    expect(count(outcomes, 'opened')).toBe(ORDERS);
    await world.check();
    expect(await world.deadlocks()).toBe(0);
  });

  it('leaves nobody waiting in a shared pool that is too small, while a number would do', async () => {
    const world = await openWorld({ numbers: 12, pool: { mode: 'shared' } });
    const outcomes = await race(world);
    await world.check();
    // 12 numbers: each driver can dial 12 customers, whatever the others do.
    expect(count(outcomes, 'opened')).toBe(12 * DRIVERS);
    expect(await servePending(world.app, world.tenant, POOL)).toBe(0);
  });
});
