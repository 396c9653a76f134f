import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../lib/manual-clock.ts';
import { seededRandom, systemRandom } from '../../lib/random.ts';
import { type Database, statement, systemScope } from '../../storage/sql/connection.ts';
import { openTestDatabase } from '../../storage/testing/open-test-database.ts';
import type { BusMessage } from '../bus.ts';
import { type BusBench, exerciseBus } from '../conformance.ts';
import { createEmbeddedBus, type EmbeddedBus, type EmbeddedBusOptions } from './embedded-bus.ts';
import { createValueSealing, noValueSealing } from './value-sealing.ts';

const sealing = createValueSealing(new Uint8Array(32).fill(7), seededRandom(1));

interface EmbeddedBench extends BusBench {
  readonly bus: EmbeddedBus;
  readonly clock: ManualClock;
}

// One database for the file: opening one takes a second, emptying three tables nothing.
let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

async function createBench(options: Partial<EmbeddedBusOptions> = {}): Promise<EmbeddedBench> {
  await database.run(systemScope, (connection) => connection.query(empty));
  const clock = new ManualClock();
  let topics = 0;
  const buses: EmbeddedBus[] = [];
  const open = (itsClock: ManualClock): EmbeddedBus => {
    const bus = createEmbeddedBus({ database, clock: itsClock, random: systemRandom, sealing, ...options });
    buses.push(bus);
    return bus;
  };
  return {
    bus: open(clock),
    clock,
    topic: async () => `topic-${topics++}`,
    openAnother: async () => open(clock),
    async crashWhileHandling(topic, group) {
      // A killed process: its time stands still, so that it neither renews its right nor looks again.
      const dying = createEmbeddedBus({
        database,
        clock: new ManualClock(clock.now()),
        random: systemRandom,
        sealing,
      });
      return new Promise((resolve, reject) => {
        dying
          .subscribe({
            topic,
            group,
            handle(batch) {
              resolve(batch.map(({ key }) => key));
              return new Promise(() => undefined);
            },
          })
          .catch(reject);
      });
    },
    async tick() {
      clock.advance(50);
      // The database answers in turns of the event loop; a query of our own waits for those before it.
      await setImmediate();
      await database.run(systemScope, (connection) => connection.query(nothing));
      await setImmediate();
    },
    async close() {
      await Promise.all(buses.map((bus) => bus.close()));
    },
  };
}

const empty = statement(
  'test_bus_empty',
  'with m as (delete from bus_message), t as (delete from bus_topic) delete from bus_group_offset',
);
const nothing = statement('test_nothing', 'select 1');
const stored = statement('test_bus_message', 'select "offset"::int as "offset", value from bus_message');
const owner = statement('test_bus_owner', 'select owner from bus_group_offset');

exerciseBus('embedded', createBench);

describe('createEmbeddedBus', () => {
  let bench: EmbeddedBench;
  beforeEach(async () => {
    bench = await createBench();
  });
  afterEach(() => bench.close());

  const message = (text: string): BusMessage => ({ key: 'k', value: Buffer.from(text), headers: {} });

  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    for (let ticks = 0; ticks < 1_000; ticks++) {
      if (await condition()) return;
      await bench.tick();
    }
    throw new Error('It never came to this.');
  }

  it('wakes a consumer of its own process without waiting for the next look', async () => {
    const got: string[] = [];
    const seen = Promise.withResolvers<void>();
    await bench.bus.subscribe({
      topic: 't',
      group: 'g',
      async handle(batch) {
        got.push(...batch.map(({ value }) => Buffer.from(value).toString()));
        if (got.length === 2) seen.resolve();
      },
    });
    await bench.bus.publish('t', [message('x')]);
    await until(async () => (await bench.bus.lag('t', 'g')) === 0n);
    // Some queries later the consumer has found nothing more, and waits.
    for (let i = 0; i < 10; i++) await bench.bus.lag('t', 'g');
    // No tick from here: time stands still, so only the signal can do it.
    await bench.bus.publish('t', [message('y')]);
    await seen.promise;
    expect(got).toEqual(['x', 'y']);
  });

  it('keeps values sealed in the table', async () => {
    await bench.bus.publish('t', [message('{"realNumber":"+12025550123"}')]);
    const rows = await database.run(systemScope, (c) => c.query<{ value: Uint8Array }>(stored));
    expect(rows).toHaveLength(1);
    expect(Buffer.from(rows[0]?.value ?? []).includes('2025550123')).toBe(false);
  });

  it('trims what is older than retention, a day later and not before', async () => {
    await bench.bus.publish('t', [message('old')]);
    bench.clock.advance(6 * 86_400_000);
    await bench.bus.publish('t', [message('young')]);
    expect(await bench.bus.trim()).toBe(0);
    bench.clock.advance(86_400_000 + 1);
    expect(await bench.bus.trim()).toBe(1);
    expect(await bench.bus.lag('t', 'g')).toBe(1n);
    const got: string[] = [];
    await bench.bus.subscribe({
      topic: 't',
      group: 'g',
      async handle(batch) {
        got.push(...batch.map(({ value }) => Buffer.from(value).toString()));
      },
    });
    await until(() => got.length > 0);
    expect(got).toEqual(['young']);
  });

  it('keeps the newest messages of each topic, and goes on counting where it was', async () => {
    await bench.close();
    bench = await createBench({ retention: { days: 7, messagesPerTopic: 2 } });
    await bench.bus.publish('t', ['0', '1', '2', '3'].map(message));
    await bench.bus.publish('u', [message('0')]);
    expect(await bench.bus.trim()).toBe(2);
    await bench.bus.publish('t', [message('4')]);
    const rows = await database.run(systemScope, (c) => c.query<{ offset: number }>(stored));
    expect(rows.map(({ offset }) => offset).sort()).toEqual([0, 2, 3, 4]);
    expect(await bench.bus.lag('t', 'g')).toBe(3n);
  });

  it('takes over from a killed process at once when no other process can be there', async () => {
    await bench.close();
    bench = await createBench({ soleProcess: true });
    await bench.bus.publish('t', [message('x')]);
    await bench.crashWhileHandling('t', 'g');
    const seen = Promise.withResolvers<void>();
    // No tick: the dead consumer's time is not up.
    await bench.bus.subscribe({ topic: 't', group: 'g', handle: async () => seen.resolve() });
    await seen.promise;
  });

  it('is not held up by an owner whose time lies ahead because a clock was set back', async () => {
    await bench.bus.publish('t', [message('x')]);
    await bench.crashWhileHandling('t', 'g');
    bench.clock.jumpTo(bench.clock.now() - 86_400_000);
    const seen = Promise.withResolvers<void>();
    await bench.bus.subscribe({ topic: 't', group: 'g', handle: async () => seen.resolve() });
    await seen.promise;
  });

  it('keeps its right while a batch takes longer than the right lasts, and gives it up when it stops', async () => {
    const held = Promise.withResolvers<void>();
    let deliveries = 0;
    const handle = (): Promise<void> => {
      deliveries++;
      return held.promise;
    };
    await bench.bus.publish('t', [message('x')]);
    const first = await bench.bus.subscribe({ topic: 't', group: 'g', handle });
    await until(() => deliveries === 1);
    const second = await bench.bus.subscribe({ topic: 't', group: 'g', handle });
    const end = bench.clock.now() + 30_000;
    await until(() => bench.clock.now() >= end);
    expect(deliveries).toBe(1);
    held.resolve();
    await Promise.all([first.stop(), second.stop()]);
    expect(await database.run(systemScope, (c) => c.query(owner))).toEqual([{ owner: null }]);
  });

  it('refuses a commit of a consumer that slept while another took over', async () => {
    await bench.bus.publish('t', [message('x')]);
    const asleep = new ManualClock(bench.clock.now());
    const held = Promise.withResolvers<void>();
    const inHand = Promise.withResolvers<void>();
    const sleeper = createEmbeddedBus({ database, clock: asleep, random: systemRandom, sealing });
    const consumer = await sleeper.subscribe({
      topic: 't',
      group: 'g',
      handle() {
        inHand.resolve();
        return held.promise;
      },
    });
    await inHand.promise;
    let taken = 0;
    const second = Promise.withResolvers<void>();
    await bench.bus.subscribe({
      topic: 't',
      group: 'g',
      handle() {
        taken++;
        return second.promise;
      },
    });
    await until(() => taken === 1);
    held.resolve();
    await consumer.stop();
    expect(await bench.bus.lag('t', 'g')).toBe(1n);
    second.resolve();
    await until(async () => (await bench.bus.lag('t', 'g')) === 0n);
    await sleeper.close();
  });

  it('reports the database being away as unavailable, and delivers again when it is back', async () => {
    let away = false;
    const flaky: Database = {
      durability: database.durability,
      transaction: (scope, work) => database.transaction(scope, work),
      close: async () => undefined,
      run: (scope, work) =>
        away ? Promise.reject(new Error('connection refused')) : database.run(scope, work),
    };
    const warnings: string[] = [];
    const log = { info() {}, warn: (_: object, text: string) => void warnings.push(text) };
    const bus = createEmbeddedBus({
      database: flaky,
      clock: bench.clock,
      random: systemRandom,
      sealing: noValueSealing,
      log,
    });
    let got = 0;
    await bus.subscribe({
      topic: 't',
      group: 'g',
      async handle(batch) {
        got += batch.length;
      },
    });
    away = true;
    await expect(bus.publish('t', [message('x')])).rejects.toMatchObject({ code: 'unavailable' });
    expect(await bus.lag('t', 'g')).toBeNull();
    await until(() => warnings.length > 1);
    away = false;
    await bus.publish('t', [message('x')]);
    await until(() => got === 1);
    await bus.close();
  });
});
