import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { decommissionNumber } from '../../src/app/decommission-number.ts';
import { openSession } from '../../src/app/open-session.ts';
import { reconcileNumbers } from '../../src/app/reconcile-numbers.ts';
import { replenishPool } from '../../src/app/replenish-pool.ts';
import { accountAt, FakeOperator } from '../../src/app/testing/fake-operator.ts';
import { person, TENANT } from '../../src/app/testing/world.ts';
import type { PoolMode } from '../../src/domain/pool.ts';
import type { VirtualNumber } from '../../src/domain/virtual-number.ts';
import type { TenantStorage } from '../../src/storage/storage.ts';
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

/** The same use cases, which wait for `resume` once after they have looked for numbers. */
function pausedAfterChoice(app: App, looked: (first: VirtualNumber) => void, resume: Promise<void>): App {
  const pause = (storage: TenantStorage): TenantStorage =>
    new Proxy(storage, {
      get(target, key) {
        if (key !== 'virtualNumbers') return Reflect.get(target, key);
        const { virtualNumbers } = target;
        return {
          ...virtualNumbers,
          async sharedCandidates(...search: Parameters<typeof virtualNumbers.sharedCandidates>) {
            const found = await virtualNumbers.sharedCandidates(...search);
            if (found[0]) looked(found[0]);
            await resume;
            return found;
          },
        };
      },
    });
  const { storage } = app;
  return {
    ...app,
    storage: {
      ...storage,
      transaction: (tenant, work) => storage.transaction(tenant, (own) => work(pause(own))),
    },
  };
}

const MODES: readonly PoolMode[] = ['dedicated', 'shared'];

describe('giving numbers back while sessions open', () => {
  it.each(MODES)('leaves no session of a %s pool on a number that has gone (INV-34)', async (mode) => {
    const operator = new FakeOperator(0, 60);
    const stock = { providerAccount: 'first', fallbackAccounts: [], lowWater: 60, target: 60, max: 60 };
    world = await openRaceWorld(server, {
      numbers: 0,
      account: accountAt(operator, 'first'),
      pool: { mode, stock },
    });
    const { app, assign, check } = world;
    await replenishPool(app, TENANT, 'city');
    const numbers = [...operator.held.keys()];
    const returned = numbers.map((virtualNumber) =>
      decommissionNumber(app, { tenant: TENANT, virtualNumber }).then(
        () => virtualNumber,
        () => null,
      ),
    );
    const opened = Array.from({ length: 60 }, (_, n) => assign(`order-${n}`, [n * 2, n * 2 + 1]));
    const gone = (await Promise.all(returned)).filter((virtualNumber) => virtualNumber !== null);
    const outcomes = await Promise.all(opened);
    await check();
    const lent = new Set(
      outcomes.flatMap(({ session }) => session?.participants.map((p) => p.virtualNumber as string) ?? []),
    );
    expect(gone.filter((virtualNumber) => lent.has(virtualNumber))).toEqual([]);
    expect(numbers.filter((virtualNumber) => !operator.held.has(virtualNumber)).sort()).toEqual(gone.sort());
  });

  it('lets a shared choice that was made before a number left service choose again', async () => {
    const operator = new FakeOperator(0, 6);
    const stock = { providerAccount: 'first', fallbackAccounts: [], lowWater: 6, target: 6, max: 6 };
    world = await openRaceWorld(server, {
      numbers: 0,
      account: accountAt(operator, 'first'),
      pool: { mode: 'shared', stock },
    });
    const { app, check } = world;
    await replenishPool(app, TENANT, 'city');
    const chosen = Promise.withResolvers<VirtualNumber>();
    const gone = Promise.withResolvers<void>();
    const opening = openSession(pausedAfterChoice(app, chosen.resolve, gone.promise), {
      ...{ tenant: TENANT, pool: 'city', reference: 'order-1', assignment: 1, mode: 'voice' },
      ...{ expiresInSeconds: null, cause: null },
      participants: ['customer', 'driver'].map((role, n) => ({ role, userId: role, realNumber: person(n) })),
    });
    const virtualNumber = await chosen.promise;
    const row = await decommissionNumber(app, { tenant: TENANT, virtualNumber });
    expect(row?.state).toBe('decommissioned');
    gone.resolve();
    const { session } = await opening;
    expect(session?.state).toBe('open');
    expect(session?.participants.map((p) => p.virtualNumber)).not.toContain(virtualNumber);
    await check();
  });

  it('moves every session off the numbers that vanish, while others open (INV-39)', async () => {
    const operator = new FakeOperator(0, 100);
    const stock = { providerAccount: 'first', fallbackAccounts: [], lowWater: 100, target: 100, max: 100 };
    world = await openRaceWorld(server, {
      numbers: 0,
      account: accountAt(operator, 'first'),
      pool: { stock },
    });
    const { app, assign, check, clock } = world;
    await replenishPool(app, TENANT, 'city');
    const account = await app.providerAccounts.byName(TENANT, 'first');
    if (!account) throw new Error('The world has no account.');
    await Promise.all(Array.from({ length: 20 }, (_, n) => assign(`early-${n}`, [n * 2, n * 2 + 1])));
    clock.advance(120_000);
    const lost = [...operator.held.keys()].slice(0, 20);
    for (const virtualNumber of lost) operator.held.delete(virtualNumber);
    await Promise.all([
      reconcileNumbers(app, account),
      ...Array.from({ length: 20 }, (_, n) => assign(`late-${n}`, [100 + n * 2, 101 + n * 2])),
    ]);
    await reconcileNumbers(app, account);
    await check();
    for (const virtualNumber of lost) {
      const holders = await app.storage.run(TENANT, (s) => s.sessions.holding(virtualNumber));
      expect(holders).toEqual([]);
    }
  });
});

describe('buying from many places at once', () => {
  it('never spends more than the budget of the account (SEC-19d)', async () => {
    const operator = new FakeOperator(0, 100);
    const stock = { providerAccount: 'first', fallbackAccounts: [], lowWater: 50, target: 50, max: 90 };
    world = await openRaceWorld(server, {
      numbers: 0,
      account: accountAt(operator, 'first'),
      pool: { stock },
    });
    const { app } = world;
    const budget = { monthlyPurchaseMax: 17, monthlyChurnMax: null };
    await app.storage.run(TENANT, (s) => s.providerAccounts.setBudget('first', budget));
    // A number that another was quicker to order counts until that is known: the next look buys what this has left.
    await Promise.allSettled(Array.from({ length: 12 }, () => replenishPool(app, TENANT, 'city')));
    await replenishPool(app, TENANT, 'city');
    expect(operator.purchases).toBe(17);
  });
});
