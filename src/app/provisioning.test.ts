import { describe, expect, it } from 'vitest';
import { VirtualNumberState } from '../domain/virtual-number.ts';
import { seededRandom } from '../lib/random.ts';
import { ProviderError } from '../providers/provider.ts';
import { checkInvariants } from '../../test/property/invariants.ts';
import { buyNumber } from './buy-number.ts';
import { changeVirtualNumber } from './change-virtual-number.ts';
import { closeSession } from './close-session.ts';
import { decommissionNumber } from './decommission-number.ts';
import { decommissionDrained } from './decommission-drained.ts';
import { importHeldNumber } from './import-held-number.ts';
import { reconcileIntents } from './reconcile-intents.ts';
import { reconcileNumbers } from './reconcile-numbers.ts';
import { recordLegStatus } from './record-leg-status.ts';
import { replenishPool } from './replenish-pool.ts';
import { reserveIntent } from './reserve-intent.ts';
import { servePending } from './serve-pending.ts';
import { FakeOperator, accountAt } from './testing/fake-operator.ts';
import { createWorld, TENANT, virtualNumber, type World, type WorldOptions } from './testing/world.ts';

const MINUTE = 60_000;
const stock = { providerAccount: 'first', fallbackAccounts: ['second'], lowWater: 4, target: 4, max: 40 };
const unavailable = new ProviderError('unavailable', 'Down.');

async function createTown(options: WorldOptions = {}) {
  const [first, second] = [new FakeOperator(0, 300), new FakeOperator(500, 300)];
  const world = await createWorld({
    numbers: 0,
    ...options,
    account: accountAt(first, 'first'),
    moreAccounts: [accountAt(second, 'second')],
    pool: { stock, ...options.pool },
  });
  const account = await world.app.providerAccounts.byName(TENANT, 'first');
  if (!account) throw new Error('The test has no account.');
  return { ...world, world, first, second, account };
}

async function stateOf(world: World, n: number): Promise<string | undefined> {
  const row = await world.app.storage.run(TENANT, (s) => s.virtualNumbers.get(virtualNumber(n)));
  return row?.state;
}

async function events(world: World): Promise<{ type: string; data: object }[]> {
  return (await world.app.storage.system.outboxOldest(500)).map(({ event: { type, data } }) => ({
    type,
    data,
  }));
}

describe('a purchase', () => {
  it('whose answer is lost is found in the list: 200 times, numbers bought are numbers intended (FLT-28)', async () => {
    const { app, first, clock, world } = await createTown({
      pool: { stock: { ...stock, lowWater: 200, target: 200, max: 200, fallbackAccounts: [] } },
    });
    let adopted = 0;
    for (let round = 0; round < 400 && first.held.size < 200; round++) {
      // The list, the settling of what was bought and the search pass; every purchase of this round loses its answer.
      const settled = first.held.size - adopted;
      adopted = first.held.size;
      first.faults.push(
        ...(settled === 0 ? [] : [null]),
        ...Array<null>(settled).fill(null),
        null,
        'lose_answer',
        'lose_answer',
        'lose_answer',
        'lose_answer',
        'lose_answer',
      );
      await replenishPool(app, TENANT, 'city');
      first.faults.length = 0;
      clock.advance(61_000);
    }
    await replenishPool(app, TENANT, 'city');
    const ours = await app.storage.run(TENANT, (s) =>
      s.virtualNumbers.ofAccount('first', { limit: 500, after: null }),
    );
    expect(new Set(ours.map((row) => row.virtualNumber))).toEqual(new Set(first.held.keys()));
    expect(first.held.size).toBe(200);
    expect(first.purchases).toBe(200);
    await checkInvariants(world.database, TENANT, clock.now());
  });

  it('that was given up and turns up later is adopted', async () => {
    const { app, account, first, clock, world } = await createTown();
    const now = clock.now();
    const intent = { kind: 'provision', providerAccount: 'first', pool: 'city', state: 'asked' } as const;
    const rest = { createdAt: now, updatedAt: now, attempts: 1 };
    await reserveIntent(app, TENANT, { id: 'int_1', virtualNumber: virtualNumber(7), ...intent, ...rest });
    clock.advance(2 * MINUTE);
    await reconcileIntents(app, account);
    first.held.set(virtualNumber(7), null);
    first.held.set(virtualNumber(8), null);
    const { adopted, unknown } = await reconcileNumbers(app, account);
    expect([adopted, unknown.length]).toEqual([1, 2]);
    expect(await stateOf(world, 7)).toBe('in_service');
    expect(await stateOf(world, 8)).toBeUndefined();
    // It asks us now, wherever it was left by the purchase.
    expect(first.held.get(virtualNumber(7))).toMatchObject({ answer: `${account.webhookBase}/answer` });
    expect(first.held.get(virtualNumber(8))).toBeNull();
  });

  it('whose answer is lost before the webhooks are linked is linked before it serves, and not before', async () => {
    const { app, account, first, clock, world } = await createTown();
    const now = clock.now();
    const intent = { kind: 'provision', providerAccount: 'first', pool: 'city', state: 'asked' } as const;
    const rest = { createdAt: now, updatedAt: now, attempts: 1 };
    await reserveIntent(app, TENANT, { id: 'int_1', virtualNumber: virtualNumber(7), ...intent, ...rest });
    await reserveIntent(app, TENANT, { id: 'int_2', virtualNumber: virtualNumber(8), ...intent, ...rest });
    first.held.set(virtualNumber(7), null);
    first.held.set(virtualNumber(8), null);
    first.faults.push(null, new ProviderError('refused', 'No such application.'));
    expect(await reconcileIntents(app, account)).toBe(1);
    const states = async () => [await stateOf(world, 7), await stateOf(world, 8)];
    expect((await states()).toSorted()).toEqual(['in_service', undefined]);
    expect(await reconcileIntents(app, account)).toBe(1);
    expect(await states()).toEqual(['in_service', 'in_service']);
    for (const urls of first.held.values())
      expect(urls).toMatchObject({ answer: `${account.webhookBase}/answer` });
  });

  it('is not made beyond the budget of 30 days, whatever asks for it (SEC-19d, INV-35)', async () => {
    const { app, first, clock } = await createTown({ pool: { stock: { ...stock, fallbackAccounts: [] } } });
    const budget = { monthlyPurchaseMax: 5, monthlyChurnMax: 7 };
    await app.storage.run(TENANT, (s) => s.providerAccounts.setBudget('first', budget));
    const random = seededRandom(3);
    for (let day = 0; day < 29; day++) {
      await Promise.all([replenishPool(app, TENANT, 'city'), replenishPool(app, TENANT, 'city')]);
      for (const one of first.held.keys()) {
        if (random.next() < 0.5)
          await decommissionNumber(app, { tenant: TENANT, virtualNumber: one }).catch(() => null);
      }
      clock.advance(24 * 60 * MINUTE);
    }
    expect(first.purchases).toBeLessThanOrEqual(5);
    const month = await app.storage.run(TENANT, (s) => s.intents.spent('first', 0));
    expect(month.purchases + month.decommissions).toBe(7);
    clock.advance(3 * 24 * 60 * MINUTE);
    await replenishPool(app, TENANT, 'city');
    expect(first.purchases).toBeGreaterThan(5 - 1);
  });

  it('counts against the budget when its answer was lost and it was never listed (INV-35)', async () => {
    const { app, account, clock } = await createTown();
    const budget = { monthlyPurchaseMax: 2, monthlyChurnMax: 9 };
    await app.storage.run(TENANT, (s) => s.providerAccounts.setBudget('first', budget));
    const intend = (n: number) => {
      const now = clock.now();
      const rest = { state: 'asked', createdAt: now, updatedAt: now, attempts: 1 } as const;
      const of = { kind: 'provision', providerAccount: 'first', pool: 'city' } as const;
      return reserveIntent(app, TENANT, { id: `int_${n}`, virtualNumber: virtualNumber(n), ...of, ...rest });
    };
    // Sold, unheard of, and gone at the operator before anybody has looked: nothing here tells it from not sold.
    await intend(1);
    await intend(2);
    clock.advance(2 * MINUTE);
    expect(await reconcileIntents(app, account)).toBe(0);
    const spent = await app.storage.run(TENANT, (s) => s.intents.spent('first', 0));
    expect(spent).toEqual({ purchases: 2, decommissions: 0, unconfirmed: 2 });
    await expect(intend(3)).rejects.toThrow('budget of purchases of 2 in 30 days (2 of which it has never');
    clock.advance(31 * 24 * 60 * MINUTE);
    expect(await intend(4)).toBe(true);
  });

  it('does not count when the provider refused it', async () => {
    const { app, first } = await createTown();
    first.faults.push(null, null, new ProviderError('refused', 'Not for you.'));
    await replenishPool(app, TENANT, 'city');
    const spent = await app.storage.run(TENANT, (s) => s.intents.spent('first', 0));
    expect(first.faults).toEqual([]);
    expect(spent).toMatchObject({ purchases: first.held.size, unconfirmed: 0 });
  });

  it('is not made beyond what the pool may have, whatever was counted before (INV-35)', async () => {
    const { app, clock } = await createTown({ pool: { stock: { ...stock, max: 5 } } });
    const now = clock.now();
    const intent = { kind: 'provision', providerAccount: 'first', pool: 'city', state: 'asked' } as const;
    const rest = { createdAt: now, updatedAt: now, attempts: 1 };
    const reserved = await Promise.all(
      Array.from({ length: 7 }, (_, n) =>
        reserveIntent(app, TENANT, { id: `int_${n}`, virtualNumber: virtualNumber(n), ...intent, ...rest }),
      ),
    );
    expect(reserved.filter((isReserved) => isReserved)).toHaveLength(5);
  });

  it('of a number that is just being given back leaves it in service (INV-33)', async () => {
    const { app, account, first, world } = await createTown();
    await replenishPool(app, TENANT, 'city');
    const [number] = [...first.held.keys()] as [ReturnType<typeof virtualNumber>];
    let again: Promise<boolean> | null = null;
    // Raised at the moment at which it has been given back.
    app.wake.stock.raise = () => {
      again ??= buyNumber(app, account, 'city', number);
    };
    await changeVirtualNumber(app, {
      tenant: TENANT,
      virtualNumber: number,
      state: VirtualNumberState.Decommissioned,
    });
    expect(await again).toBe(true);
    const row = await world.app.storage.run(TENANT, (s) => s.virtualNumbers.get(number));
    expect(row?.state).toBe('in_service');
  });

  it('is not made by whoever has lost the lease meanwhile (INV-36)', async () => {
    const { app, first } = await createTown({ pool: { stock: { ...stock, target: 12 } } });
    const answers = [true, false];
    await replenishPool(app, TENANT, 'city', async () => answers.shift() ?? false);
    // Five at a time.
    expect(first.purchases).toBe(5);
  });
});

describe('an account that fails', () => {
  it('is passed over at once, left alone after five failures, and asked again within a minute (FLT-27)', async () => {
    const { app, world, first, second, clock } = await createTown();
    first.broken = unavailable;
    await replenishPool(app, TENANT, 'city');
    expect([first.held.size, second.held.size]).toEqual([0, 4]);
    await world.assign('order-1', [1, 2]);
    for (let round = 0; round < 12; round++) {
      second.held.clear();
      await app.storage.run(TENANT, (s) => s.pools.get('city'));
      await world.assign(`order-${round + 2}`, [round * 2 + 3, round * 2 + 4]);
      await replenishPool(app, TENANT, 'city');
      clock.advance(1_000);
    }
    expect(first.requests).toBe(5);
    expect((await events(world)).filter(({ type }) => type === 'provider_account.unavailable')).toEqual([
      { type: 'provider_account.unavailable', data: { providerAccount: 'first', reason: 'unavailable' } },
    ]);
    const metric = await app.metrics.registry.getSingleMetricAsString('maskline_provider_breaker_open');
    expect(metric).toContain('{account="first"} 1');
    first.broken = null;
    clock.advance(60_000);
    await world.assign('order-99', [98, 99]);
    await replenishPool(app, TENANT, 'city');
    expect(first.held.size).toBeGreaterThan(0);
    expect((await events(world)).map(({ type }) => type)).toContain('provider_account.recovered');
  });

  it('keeps the sessions that run over it, and gives each session numbers of one account (INV-05)', async () => {
    const { app, world, first, second, clock } = await createTown();
    await replenishPool(app, TENANT, 'city');
    const before = await world.assign('order-0', [1, 2]);
    first.broken = unavailable;
    for (let n = 1; n < 12; n++) {
      await world.assign(`order-${n}`, [n * 2 + 1, n * 2 + 2]);
      await replenishPool(app, TENANT, 'city');
      await servePending(app, TENANT, 'city');
      await checkInvariants(world.database, TENANT, clock.now());
    }
    expect(second.held.size).toBeGreaterThan(0);
    const shown = before.session?.participants.map((p) => p.virtualNumber as string) ?? [];
    expect((await world.dial(1, shown[1] as string)).reason).toBe('ok');
  });

  it('is asked once in the time that it asked us to wait', async () => {
    const { app, first, clock } = await createTown({ pool: { stock: { ...stock, fallbackAccounts: [] } } });
    first.broken = new ProviderError('rate_limited', 'Slowly.', { retryAfterSeconds: 17 });
    for (let second = 0; second < 34; second++) {
      await replenishPool(app, TENANT, 'city');
      clock.advance(1_000);
    }
    expect(first.requests).toBe(2);
  });

  it('leaves no session waiting because each account has one number to spare', async () => {
    const lonely = { ...stock, lowWater: 0, target: 2, max: 10 };
    const { app, world, first } = await createTown({ numbers: 2, spread: true, pool: { stock: lonely } });
    expect((await world.assign('order-1', [1, 2])).outcome).toBe('pending');
    await replenishPool(app, TENANT, 'city');
    expect(first.held.size).toBeGreaterThan(0);
    expect(await servePending(app, TENANT, 'city')).toBe(1);
  });
});

describe('a number that is decommissioned', () => {
  it('waits until nobody needs it: not in a session, not resting, not in a call (INV-34)', async () => {
    const { app, world, first, clock } = await createTown({
      pool: { numberQuarantineSeconds: 60, pairQuarantineSeconds: 60 },
    });
    await replenishPool(app, TENANT, 'city');
    const { session } = await world.assign('order-1', [1, 2]);
    const dialled = session?.participants[1]?.virtualNumber as ReturnType<typeof virtualNumber>;
    const giveBack = () => decommissionNumber(app, { tenant: TENANT, virtualNumber: dialled });
    await expect(giveBack()).rejects.toMatchObject({ code: 'MASK_VIRTUAL_NUMBER_IN_USE' });
    await world.dial(1, dialled, 'call-1');
    await closeSession(app, { tenant: TENANT, sessionId: session?.id ?? '', reason: 'cancelled' });
    clock.advance(10 * MINUTE);
    await expect(giveBack()).rejects.toMatchObject({ code: 'MASK_VIRTUAL_NUMBER_IN_USE' });
    const end = {
      status: 'ended',
      at: clock.now(),
      termination: 'completed',
      durationSeconds: 9,
      nativeCause: null,
    } as const;
    await recordLegStatus(app, {
      tenant: TENANT,
      providerAccount: 'first',
      providerCallId: 'call-1',
      legStatus: end,
    });
    clock.advance(2 * MINUTE);
    expect((await giveBack())?.state).toBe('decommissioned');
    expect(first.held.has(dialled)).toBe(false);
    expect((await giveBack())?.state).toBe('decommissioned');
  });

  it('is given back once more when the answer was lost, and never allocated in between', async () => {
    const { app, world, account, first } = await createTown();
    await replenishPool(app, TENANT, 'city');
    const [one] = first.held.keys();
    if (!one) throw new Error('Nothing was bought.');
    first.faults.push(unavailable);
    await expect(decommissionNumber(app, { tenant: TENANT, virtualNumber: one })).rejects.toThrow('Down.');
    for (const n of [1, 2, 3]) await world.assign(`order-${n}`, [n * 2, n * 2 + 1]);
    const holders = await app.storage.run(TENANT, (s) => s.sessions.holding(one));
    expect(holders).toEqual([]);
    await reconcileIntents(app, account);
    expect(first.held.has(one)).toBe(false);
    const row = await app.storage.run(TENANT, (s) => s.virtualNumbers.get(one));
    expect(row?.state).toBe(VirtualNumberState.Decommissioned);
  });

  it('goes back by itself after draining', async () => {
    const { app, account, first } = await createTown();
    await replenishPool(app, TENANT, 'city');
    const [one] = first.held.keys();
    if (!one) throw new Error('Nothing was bought.');
    await app.storage.run(TENANT, (s) => s.virtualNumbers.setState(one, 'draining'));
    expect(await decommissionDrained(app, account)).toBe(1);
    expect(first.held.has(one)).toBe(false);
  });

  it('stays at the provider when it was imported, with the webhooks that it had', async () => {
    const { app, account, first } = await createTown();
    const before = { answer: 'https://switchboard.example/answer' };
    first.held.set(virtualNumber(100), before);
    const [held] = await first.listNumbers();
    if (!held) throw new Error('Nothing is held.');
    first.faults.push(unavailable);
    await expect(importHeldNumber(app, account, { held, pool: 'city' })).rejects.toThrow('Down.');
    const row = await importHeldNumber(app, account, { held, pool: 'city' });
    expect(row).toMatchObject({ state: 'in_service', imported: true, previousWebhooks: before });
    expect(first.held.get(virtualNumber(100))).toMatchObject({ answer: `${account.webhookBase}/answer` });
    await decommissionNumber(app, { tenant: TENANT, virtualNumber: virtualNumber(100) });
    expect(first.held.get(virtualNumber(100))).toEqual(before);
  });
});

describe('a number that vanishes at the provider', () => {
  const large = { ...stock, lowWater: 40, target: 40, max: 60, fallbackAccounts: [] };
  const vanish = (operator: FakeOperator, count: number): ReturnType<typeof virtualNumber>[] => {
    const gone = [...operator.held.keys()].slice(0, count);
    for (const one of gone) operator.held.delete(one);
    return gone;
  };

  it('is withdrawn, its sessions get others, and calls to it are neutral (INV-39, FLT-29)', async () => {
    const { app, world, account, first, clock } = await createTown({ pool: { stock: large } });
    await replenishPool(app, TENANT, 'city');
    for (let n = 0; n < 10; n++) await world.assign(`order-${n}`, [n * 2, n * 2 + 1]);
    clock.advance(5 * MINUTE);
    const sessions = async () => {
      const rows = await app.storage.run(TENANT, (s) =>
        s.sessions.list({ reference: null }, { limit: 100, after: null }),
      );
      return new Map(rows.map((row) => [row.reference, row]));
    };
    const before = await sessions();
    const gone = vanish(first, 2);
    const result = await reconcileNumbers(app, account);
    expect(result).toMatchObject({ withdrawn: 2, alarm: false });
    const after = await sessions();
    let moved = 0;
    for (const [reference, session] of before) {
      const hit = session.participants.some((p) => gone.includes(p.virtualNumber as never));
      const now = after.get(reference);
      const [a, d] = now?.participants ?? [];
      const n = Number(reference.slice(6));
      expect([now?.state, now?.expiresAt]).toEqual(['open', session.expiresAt]);
      expect((await world.dial(n * 2, d?.virtualNumber ?? null)).reason).toBe('ok');
      expect((await world.dial(n * 2 + 1, a?.virtualNumber ?? null)).reason).toBe('ok');
      if (!hit) continue;
      moved++;
      for (const { virtualNumber: old } of session.participants) {
        expect(now?.participants.map((p) => p.virtualNumber)).not.toContain(old);
        const routed = await world.dial(n * 2, old);
        expect(routed.instruction.decision).toBe('announce');
        if (gone.includes(old as never)) expect(routed.reason).toBe('unknown_number');
      }
    }
    expect(moved).toBeGreaterThan(0);
    const told = (await events(world)).filter(({ type }) => type === 'virtual_number.suspended');
    expect(told.map(({ data }) => data)).toMatchObject(
      gone.map((virtualNumber) => ({ virtualNumber, reason: 'not_at_provider' })),
    );
    await checkInvariants(world.database, TENANT, clock.now());
    expect((await reconcileNumbers(app, account)).withdrawn).toBe(0);
  });

  it('leaves its session waiting, first in line, when nothing else is to spare', async () => {
    const { app, world, account, first, clock } = await createTown({
      pool: { stock: { ...large, lowWater: 2, target: 2, max: 6 } },
    });
    await replenishPool(app, TENANT, 'city');
    const { session } = await world.assign('order-1', [1, 2]);
    clock.advance(5 * MINUTE);
    vanish(first, 1);
    await reconcileNumbers(app, account);
    const waiting = await app.storage.run(TENANT, (s) => s.sessions.get(session?.id ?? ''));
    expect(waiting?.state).toBe('pending');
    expect((await events(world)).map(({ type }) => type)).toContain('pool.exhausted');
    await checkInvariants(world.database, TENANT, clock.now());
    await replenishPool(app, TENANT, 'city');
    expect(await servePending(app, TENANT, 'city')).toBe(1);
    await checkInvariants(world.database, TENANT, clock.now());
  });

  it('is only reported when more are missing than is believable', async () => {
    const { app, account, first, clock, world } = await createTown({ pool: { stock: large } });
    await replenishPool(app, TENANT, 'city');
    clock.advance(5 * MINUTE);
    vanish(first, 14);
    const result = await reconcileNumbers(app, account);
    expect([result.alarm, result.withdrawn, result.missing.length]).toEqual([true, 0, 14]);
    expect((await events(world)).map(({ type }) => type)).not.toContain('virtual_number.suspended');
  });
});
