import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { endReference } from '../../src/app/end-reference.ts';
import { createWorld, virtualNumber } from '../../src/app/testing/world.ts';
import { endsInOrder } from './ends-in-order.ts';
import { lowerBound } from './lower-bound.ts';
import { DAY_DEFAULTS, generateOrderDay, type OrderDay } from './order-day.ts';
import { readTrace } from './read-trace.ts';
import { playDay, SharedStock, stockNeeded } from './shared-stock.ts';

/** A small town, so that its people meet often and the pool is tight. */
function smallDay(orders: number, seed: number): OrderDay {
  return generateOrderDay({ ...DAY_DEFAULTS, seed, orders, drivers: 8, customers: 30, ordersAtOnce: 6 });
}

const PAIR_REST_SECONDS = 3 * 3_600;

describe('the model of a shared pool', () => {
  test('chooses what the product chooses, order for order', { timeout: 120_000 }, async () => {
    const day = smallDay(160, 7);
    const { numbers } = lowerBound(day, PAIR_REST_SECONDS);
    const world = await createWorld({
      numbers,
      pool: { mode: 'shared', graceSeconds: 0, pairQuarantineSeconds: PAIR_REST_SECONDS },
    });
    const index = new Map(Array.from({ length: numbers }, (_, n) => [virtualNumber(n) as string, n]));
    const midnight = world.clock.now();
    const model = new SharedStock(numbers, day.people);
    const given: (readonly [number, number] | null)[] = [];
    const moments = [
      ...[...day.openedAt].map((at, order) => ({ at, kind: 2, order })),
      ...[...day.closedAt].map((at, order) => ({ at, kind: 0, order })),
      ...[...day.closedAt].map((at, order) => ({ at: at + PAIR_REST_SECONDS, kind: 1, order })),
    ].map((moment) => ({ ...moment, at: Math.round(moment.at * 1_000) }));
    moments.sort((a, b) => a.at - b.at || a.kind - b.kind);
    let exhausted = 0;
    for (const { at, kind, order } of moments) {
      world.clock.advance(midnight + at - world.clock.now());
      const people = [day.customer[order] ?? 0, day.driver[order] ?? 0] as const;
      const pair = given[order] ?? null;
      if (kind === 2) {
        given[order] = model.open(...people);
        const { session } = await world.assign(`order-${order}`, people);
        const chosen = session?.participants.map((one) => index.get(one.virtualNumber ?? '') ?? null) ?? [];
        expect([order, ...chosen]).toEqual([order, ...(given[order] ?? [null, null])]);
        if (given[order] === null) exhausted++;
      } else if (kind === 1) {
        if (pair !== null) model.forget(...people, pair);
      } else {
        if (pair !== null) model.close(...people, pair);
        await endReference(world.app, {
          tenant: world.tenant,
          reference: `order-${order}`,
          reason: 'completed',
          cause: { source: 'test', eventId: `end-${order}` },
        });
      }
    }
    expect(exhausted).toBe(0);
  });

  test('finds a pool below the bound exhausted', () => {
    for (const seed of [1, 2, 3]) {
      const day = smallDay(400, seed);
      const { numbers, busiestPerson } = lowerBound(day, PAIR_REST_SECONDS);
      expect(busiestPerson).toBeGreaterThan(5);
      expect(playDay(day, numbers - 1, PAIR_REST_SECONDS, true)).toBe(1);
      expect(stockNeeded(day, numbers, PAIR_REST_SECONDS)).toBeLessThanOrEqual(numbers + 1);
    }
  });

  test('takes up what is over before it serves what begins at that moment', () => {
    const day: OrderDay = {
      orders: 3,
      people: 3,
      openedAt: Float64Array.of(0, 10, 20),
      closedAt: Float64Array.of(10, 20, 30),
      customer: Uint32Array.of(0, 0, 0),
      driver: Uint32Array.of(1, 2, 1),
    };
    expect(lowerBound(day, 0)).toEqual({ numbers: 2, busiestPerson: 1, sessionsAtOnce: 1 });
    expect(lowerBound(day, 100).busiestPerson).toBe(3);
    expect([...endsInOrder(day, 5).at]).toEqual([15, 25, 35]);
    expect(playDay(day, 2, 0, false)).toBe(0);
    expect(playDay(day, 2, 100, false)).toBe(1);
  });
});

describe('a generated day', () => {
  test('is the same for the same seed, sorted, and keeps to the orders that a driver takes at once', () => {
    const day = generateOrderDay({ ...DAY_DEFAULTS, orders: 5_000, drivers: 300, customers: 2_000 });
    expect(generateOrderDay({ ...DAY_DEFAULTS, orders: 5_000, drivers: 300, customers: 2_000 })).toEqual(day);
    expect([...day.openedAt]).toEqual([...day.openedAt].sort((a, b) => a - b));
    const most = Math.max(
      ...[...day.driver].map((driver, i) => {
        const now = day.openedAt[i] ?? 0;
        return [...day.driver].filter(
          (other, j) => j <= i && other === driver && (day.closedAt[j] ?? 0) > now,
        ).length;
      }),
    );
    expect(most).toBe(DAY_DEFAULTS.ordersAtOnce);
  });
});

describe('a trace', () => {
  function file(text: string): string {
    const directory = mkdtempSync(path.join(tmpdir(), 'trace-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const name = path.join(directory, 'trace.csv');
    writeFileSync(name, text);
    return name;
  }

  test('is read by the names of its columns, in the order of its times', async () => {
    const day = await readTrace(
      file(
        'driver,order,customer,assignedAt,endedAt\nd1,x,c1,2026-03-01T10:00:00Z,2026-03-01T10:30:00Z\nd2,y,c1,2026-03-01T09:00:00Z,2026-03-01T09:10:00Z\n',
      ),
    );
    expect(day).toMatchObject({ orders: 2, people: 3 });
    expect((day.closedAt[0] ?? 0) - (day.openedAt[0] ?? 0)).toBe(600);
    expect(day.customer[0]).toBe(day.customer[1]);
  });

  test.each([
    ['customer,driver\n', 'Line 1 must name the columns'],
    ['assignedAt,endedAt,customer,driver\n10,5,a,b\n', 'Line 2: the order must end after it begins.'],
    ['assignedAt,endedAt,customer,driver\nnoon,5,a,b\n', 'Line 2'],
    ['assignedAt,endedAt,customer,driver\n1,5,a,a\n', 'Line 2: a customer and another person'],
    ['assignedAt,endedAt,customer,driver\n', 'holds no order'],
  ])('that cannot be read says where: %j', async (text, message) => {
    await expect(readTrace(file(text))).rejects.toThrow(message);
  });
});
