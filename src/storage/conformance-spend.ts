import { expect, it } from 'vitest';
import { ACME, call, createTown, GLOBEX, HOUR, NOW, openOne } from './conformance-town.ts';
import { TENANT_SCOPE } from './spend-storage.ts';
import type { Database } from './sql/connection.ts';
import type { Storage } from './storage.ts';

const MINUTE = 60_000;
const MANY = 1_000_000;

/** What every Storage must do about caps and about the texts of a session. */
export function exerciseSpend(open: () => Promise<Database>): void {
  const take = (storage: Storage, tenant: string, calls: number, wanted = 500, scope = TENANT_SCOPE) =>
    storage.run(tenant, ({ spend }) => spend.takeCalls(scope, NOW, wanted, { calls, minutes: MANY }, NOW));

  it('gives a cap out in shares, whole and not a call more, to whoever asks at the same moment', async () => {
    const storage = await createTown(await open());
    let granted = 0;
    let first = 0;
    for (let round = 0; round < 200; round++) {
      const shares = await Promise.all([1, 2, 3].map(() => take(storage, ACME, 100)));
      granted += shares.reduce((sum, share) => sum + share.granted, 0);
      first += shares.filter((share) => share.isFirst).length;
      if (shares.every(({ spentBy }) => spentBy === 'calls')) break;
    }
    expect([granted, first]).toEqual([100, 1]);
    expect(await take(storage, ACME, 100)).toEqual({ granted: 0, spentBy: 'calls', isFirst: false });
    expect((await take(storage, GLOBEX, 100)).granted).toBe(5);
    expect((await take(storage, ACME, 100, 500, 'operator')).granted).toBe(5);
  });

  it('lifts a cap once more, closes it with its hour, and lists both', async () => {
    const storage = await createTown(await open());
    expect((await take(storage, ACME, 1)).granted).toBe(1);
    expect(await take(storage, ACME, 1)).toEqual({ granted: 0, spentBy: 'calls', isFirst: true });
    const lift = (tenant: string) => storage.run(tenant, ({ spend }) => spend.lift(TENANT_SCOPE, NOW, NOW));
    expect([await lift(ACME), await lift(GLOBEX)]).toEqual([true, false]);
    expect((await take(storage, ACME, 1)).granted).toBe(1);
    expect((await take(storage, ACME, 1)).isFirst).toBe(true);
    const opened = { tenant: ACME, scope: '', hour: NOW, calls: 2, minutes: 0, lifted: 1, openedAt: NOW };
    expect(await storage.spend.open(NOW, NOW)).toEqual([{ ...opened, closedAt: null }]);
    expect(await storage.spend.open(NOW + HOUR, NOW + HOUR)).toEqual([{ ...opened, closedAt: NOW + HOUR }]);
    expect(await storage.spend.open(NOW + HOUR, NOW + HOUR)).toEqual([]);
    expect(await storage.run(ACME, ({ spend }) => spend.list(NOW))).toHaveLength(1);
    expect(await storage.run(GLOBEX, ({ spend }) => spend.list(NOW))).toEqual([]);
    await storage.spend.forgetBefore(NOW + 1);
    expect(await storage.run(ACME, ({ spend }) => spend.list(NOW))).toEqual([]);
  });

  it('sums up the talk of the hour: of calls that run, and the part that lies within it of those that ended', async () => {
    const storage = await createTown(await open());
    await openOne(storage);
    const progress = { startedAt: NOW - HOUR, ringingAt: null, termination: null, nativeCause: null };
    await storage.transaction(ACME, async ({ calls }) => {
      for (const id of ['running', 'ended', 'before', 'ringing']) {
        await calls.insert(call(id, { startedAt: NOW - HOUR }), null, null);
      }
      await calls.setProgress('running', {
        ...progress,
        state: 'answered',
        answeredAt: NOW + 10 * MINUTE,
        endedAt: null,
        durationSeconds: null,
      });
      await calls.setProgress('ended', {
        ...progress,
        state: 'ended',
        answeredAt: NOW - 30 * MINUTE,
        endedAt: NOW + 5 * MINUTE,
        durationSeconds: 35 * 60,
      });
      await calls.setProgress('before', {
        ...progress,
        state: 'ended',
        answeredAt: NOW - 30 * MINUTE,
        endedAt: NOW - MINUTE,
        durationSeconds: 29 * 60,
      });
    });
    await storage.spend.measureTalk(NOW, NOW + 30 * MINUTE);
    await storage.spend.measureTalk(NOW, NOW + 30 * MINUTE);
    const rows = await storage.run(ACME, ({ spend }) => spend.list(NOW));
    expect(rows.map(({ scope, minutes }) => ({ scope, minutes }))).toEqual([
      { scope: '', minutes: 25 },
      { scope: 'operator', minutes: 25 },
    ]);
    const cap = { calls: MANY, minutes: 25 };
    const spent = await storage.run(ACME, ({ spend }) => spend.takeCalls('operator', NOW, 5, cap, NOW));
    expect(spent).toEqual({ granted: 0, spentBy: 'minutes', isFirst: true });
  });

  it('counts the texts of a session exactly, of many at one moment as well', async () => {
    const storage = await createTown(await open());
    await openOne(storage);
    const text = (at: number) =>
      storage.run(ACME, ({ spend }) => spend.takeMessage('s1', at, { perMinute: 3, perDay: 5 }));
    const burst = await Promise.all(Array.from({ length: 10 }, () => text(NOW)));
    expect(burst.filter(Boolean)).toHaveLength(3);
    expect(await text(NOW + MINUTE - 1)).toBe(false);
    expect(await text(NOW + MINUTE)).toBe(true);
    expect(await text(NOW + 2 * MINUTE)).toBe(true);
    expect(await text(NOW + HOUR)).toBe(false);
    expect(await text(NOW + 24 * HOUR)).toBe(true);
  });
}
