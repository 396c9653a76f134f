import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorld, person, type World } from '../../src/app/testing/world.ts';
import type { DeliveredMessage } from '../../src/bus/bus.ts';
import { encodeCloudEvent } from '../../src/bus/cloud-events.ts';
import { gatheredUseCases } from '../../src/consumers/gathered-use-cases.ts';
import { orderUseCases } from '../../src/consumers/order-use-cases.ts';
import { createOrdersConsumer } from '../../src/consumers/orders.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { PgliteDatabase } from '../../src/storage/pglite/pglite-database.ts';
import { openTestDatabase } from '../../src/storage/testing/open-test-database.ts';
import { checkInvariants } from './invariants.ts';

const RUNS = 40;
const POOL = 'city';

let database: PgliteDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

/** What happens to one order, as the Orders service tells it. */
interface Story {
  readonly assignments: readonly (readonly [number, number])[];
  readonly end: 'completed' | 'cancelled' | null;
}

const story: fc.Arbitrary<Story> = fc.record({
  assignments: fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 4, max: 7 })), {
    maxLength: 3,
  }),
  end: fc.constantFrom('completed', 'cancelled', null),
});

function toMessages(stories: readonly Story[]): DeliveredMessage[] {
  const messages: DeliveredMessage[] = [];
  const add = (key: string, type: string, data: object): void => {
    const offset = BigInt(messages.length);
    const event = {
      id: `event-${offset}`,
      source: '/orders',
      type,
      key,
      time: 1_000 + messages.length,
      data,
    };
    messages.push({ ...encodeCloudEvent(event), topic: 'orders', partition: 0, offset });
  };
  for (const [i, { assignments, end }] of stories.entries()) {
    const orderId = `order-${i}`;
    add(orderId, 'order.placed', { orderId, pool: POOL, customerId: 'somebody' });
    for (const [n, [customer, driver]] of assignments.entries()) {
      add(orderId, 'order.driver_assigned', {
        orderId,
        pool: POOL,
        assignment: n + 1,
        participants: [
          { role: 'customer', userId: `u${customer}`, realNumber: person(customer).reveal() },
          { role: 'driver', userId: `u${driver}`, realNumber: person(driver).reveal() },
        ],
      });
    }
    if (end) add(orderId, `order.${end}`, { orderId });
  }
  return messages;
}

/** Whom each order ties together in the end, whatever happened on the way. */
async function finalState(world: World, orders: number): Promise<unknown[]> {
  const state = [];
  for (let i = 0; i < orders; i++) {
    state.push(
      await world.app.storage.transaction(world.tenant, async (storage) => {
        const { endedReason } = await storage.references.lock(`order-${i}`);
        const live = await storage.sessions.live(`order-${i}`);
        return { endedReason, assignment: live?.assignment, people: live?.participants.map((p) => p.userId) };
      }),
    );
  }
  return state;
}

/** As the consumer of the service does it, and one by one, which is what that falls back on. */
const WAYS = { gathered: gatheredUseCases, single: orderUseCases };

async function play(
  world: World,
  messages: readonly DeliveredMessage[],
  way: keyof typeof WAYS,
  batchSize: number,
): Promise<unknown[]> {
  const dead: unknown[] = [];
  const handle = createOrdersConsumer({
    tenant: world.tenant,
    useCases: WAYS[way](world.app),
    bus: { publish: async (_topic, letters) => void dead.push(...letters) },
    deadLetterTopic: 'orders.dead-letter',
    vault: world.app.vault,
    clock: systemClock,
    random: world.app.random,
    log: world.app.log,
    metrics: world.app.metrics,
  });
  for (let i = 0; i < messages.length; i += batchSize) {
    await handle(messages.slice(i, i + batchSize), new AbortController().signal);
  }
  return dead;
}

describe.each([
  // One at a time: the worst that a bus may do to the order of arrival.
  ['single', 1],
  ['gathered', 1],
  ['gathered', 7],
] as const)('order events in disorder (%s, batches of %i)', (way, batchSize) => {
  it(`end as the clean sequence does, however they are repeated and shuffled (INV-11, INV-12), ${RUNS} times`, {
    timeout: 120_000,
  }, async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(story, { minLength: 1, maxLength: 4 }),
        fc.infiniteStream(fc.nat()),
        async (stories, dice) => {
          const messages = toMessages(stories);
          const roll = (below: number): number => (dice.next().value as number) % below;
          const repeated = messages.flatMap((message) => Array.from({ length: 1 + roll(3) }, () => message));
          const shuffled = repeated
            .map((message) => [roll(1_000_000), message] as const)
            .sort(([a], [b]) => a - b);
          run++;
          const clean = await createWorld({
            database,
            tenant: `clean-${way}-${batchSize}-${run}`,
            numbers: 40,
          });
          const messy = await createWorld({
            database,
            tenant: `messy-${way}-${batchSize}-${run}`,
            numbers: 40,
          });
          expect(await play(clean, messages, 'single', 1)).toEqual([]);
          expect(
            await play(
              messy,
              shuffled.map(([, message]) => message),
              way,
              batchSize,
            ),
          ).toEqual([]);
          const expected = await finalState(clean, stories.length);
          expect(await finalState(messy, stories.length)).toEqual(expected);
          await checkInvariants(database, messy.tenant, messy.clock.now());
          // The whole topic once more onto the state that it made changes nothing (INV-13).
          await play(messy, messages, way, batchSize);
          expect(await finalState(messy, stories.length)).toEqual(expected);
        },
      ),
      { numRuns: RUNS },
    );
  });
});
