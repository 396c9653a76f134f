import { describe, expect, it } from 'vitest';
import { createWorld, person } from '../../src/app/testing/world.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { checkInvariants } from './invariants.ts';

const ORDERS = 1_000;
const DRIVERS = 400;
const CUSTOMERS = 700;
/** Of a session's two numbers the second must differ from the first: one number more than the bound. */
const HANDFUL = 1;

/** Who delivers to whom: some drivers and customers are far busier than others, as in a city at noon. */
function demand(): { customer: number; driver: number }[] {
  const random = seededRandom(42);
  const skewed = (count: number): number => Math.floor(count * random.next() ** 2);
  return Array.from({ length: ORDERS }, () => ({
    customer: skewed(CUSTOMERS),
    driver: CUSTOMERS + skewed(DRIVERS),
  }));
}

/** No design can do with less: the busiest person must dial a different number for each session. */
function lowerBound(orders: readonly { customer: number; driver: number }[]): number {
  const held = new Map<number, number>();
  for (const who of orders.flatMap(({ customer, driver }) => [customer, driver])) {
    held.set(who, (held.get(who) ?? 0) + 1);
  }
  return Math.max(...held.values());
}

describe('a shared pool', () => {
  it(`holds ${ORDERS} orders of ${DRIVERS} drivers on as many numbers as the busiest person needs, and ${HANDFUL}`, {
    timeout: 120_000,
  }, async () => {
    const orders = demand();
    const bound = lowerBound(orders);
    const numbers = bound + HANDFUL;
    const world = await createWorld({ numbers, pool: { mode: 'shared' } });
    const opened = [];
    for (const [i, { customer, driver }] of orders.entries()) {
      const outcome = await world.assign(`order-${i}`, [customer, driver]);
      expect(outcome.outcome, `order ${i} with a bound of ${bound}`).toBe('opened');
      opened.push(outcome.session?.participants.map((p) => p.virtualNumber) ?? []);
    }
    await checkInvariants(world.database, world.tenant, world.clock.now());
    // A sample is enough: the invariants have looked at every row.
    for (let i = 0; i < ORDERS; i += 50) {
      const [aaa, ddd] = opened[i] as [string, string];
      const { customer, driver } = orders[i] as { customer: number; driver: number };
      const { instruction } = await world.dial(customer, ddd);
      expect(instruction).toMatchObject({ decision: 'bridge', callerId: aaa });
      expect(instruction.decision === 'bridge' && instruction.destination.equals(person(driver))).toBe(true);
    }
    expect(bound).toBeGreaterThan(5);
    expect(numbers).toBeLessThan(100);
  });
});
