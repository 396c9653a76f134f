import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Bus, BusMessage } from '../../src/bus/bus.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { statement, systemScope } from '../../src/storage/sql/connection.ts';
import { runAsAdmin } from '../../src/storage/testing/open-test-postgres.ts';
import { until } from '../system/product.ts';
import { createDeployment, type Deployment } from './deployment.ts';
import { BROKERS, createTopics, LEFT_OUT } from './kafka-topics.ts';
import { assigned, openTestBus } from './order-load.ts';
import { Replica } from './replica.ts';
import { POOL } from './seed.ts';

// The long form: MASKLINE_REPLAY_EVENTS=1000000.
const EVENTS = Number(process.env.MASKLINE_REPLAY_EVENTS ?? 20_000);
const DISTINCT = Math.min(EVENTS / 4, 4_000);
const LAG_LIMIT_MS = 30_000;
const TIMEOUT_MS = 180_000 + EVENTS;

const liveSessions = statement(
  'test_live_sessions',
  `select reference, assignment::int as assignment from session where reference like $1 and state <> 'closed'`,
);

if (BROKERS === null) {
  describe('a topic read again', () => {
    it(LEFT_OUT, (context) => context.skip());
  });
} else {
  const brokers = BROKERS;
  let deployment: Deployment;
  let bus: Bus;
  let replica: Replica | null = null;
  beforeAll(async () => {
    deployment = await createDeployment(brokers, { numbers: 20_000 });
    bus = openTestBus(brokers);
  });
  afterEach(async () => {
    await replica?.kill('SIGKILL');
    replica = null;
  });
  afterAll(async () => {
    await bus?.close();
    await deployment?.stop();
  });

  const publish = async (topic: string, messages: readonly BusMessage[]): Promise<void> => {
    for (let i = 0; i < messages.length; i += 2_000) await bus.publish(topic, messages.slice(i, i + 2_000));
  };

  /** A digest of everything that an event could have changed. */
  async function digest(): Promise<string> {
    const tables = ['session', 'participant', 'route', 'reference', 'virtual_number', 'inbox', 'intent'];
    const parts = tables.map(
      (table) =>
        `(select md5(coalesce(string_agg(t::text, '' order by t::text), '')) from maskline.${table} t)`,
    );
    const [row] = await runAsAdmin<{ digest: string }>(
      deployment.databaseUrl,
      `select concat_ws(' ', ${parts.join(', ')}) as digest`,
    );
    return row?.digest ?? '';
  }

  describe('a topic read again', () => {
    it(`from offset 0, ${EVENTS} events, changes nothing`, { timeout: TIMEOUT_MS }, async () => {
      const topics = await createTopics(brokers);
      const group = `first-${topics.orders}`;
      const environment = {
        ...deployment.environment,
        MASKLINE_TOPIC_ORDERS: topics.orders,
        MASKLINE_TOPIC_MASKING: topics.masking,
      };
      const messages = Array.from({ length: DISTINCT }, (_, n) =>
        toMessage(`replay-${n}`, assigned(`replay-${n}`, n)),
      );
      for (let left = EVENTS; left > 0; left -= DISTINCT)
        await publish(topics.orders, messages.slice(0, left));
      replica = await Replica.start({ ...environment, MASKLINE_CONSUMER_GROUP: group });
      await until('all of it handled', async () => (await bus.lag(topics.orders, group)) === 0n, TIMEOUT_MS);
      const announced = async () => bus.lag(topics.masking, 'nobody');
      await until('all of it announced', async () => (await announced()) === BigInt(DISTINCT), 60_000);
      await replica.kill('SIGTERM');
      const before = await digest();

      const again = `again-${topics.orders}`;
      replica = await Replica.start({ ...environment, MASKLINE_CONSUMER_GROUP: again });
      const from = performance.now();
      const first = Number((await bus.lag(topics.orders, again)) ?? 0n);
      await until('all of it again', async () => (await bus.lag(topics.orders, again)) === 0n, TIMEOUT_MS);
      const rate = (1_000 * first) / (performance.now() - from);
      await replica.kill('SIGTERM');
      expect(await digest()).toBe(before);
      expect(await announced()).toBe(BigInt(DISTINCT));
      console.info(`Replay: ${first} of ${EVENTS} events in sight, ${Math.round(rate)} events/s.`);
    });
  });

  describe('a topic in disorder', () => {
    const ORDERS = 300;

    it('repeated, shuffled, with losses and poison, ends as what was delivered says', {
      timeout: 180_000,
    }, async () => {
      const { topics } = deployment;
      const group = deployment.environment.MASKLINE_CONSUMER_GROUP ?? '';
      const random = seededRandom(11);
      const delivered = new Map<string, { assignment: number | null; ended: boolean }>();
      const messages: BusMessage[] = [];
      for (let n = 0; n < ORDERS; n++) {
        const reference = `messy-${n}`;
        const outcome = { assignment: null as number | null, ended: false };
        const events: readonly (readonly [object, () => void])[] = [
          [orderEvent('order.placed', reference, { pool: POOL, customerId: 'c' }), () => {}],
          [
            assigned(reference, n),
            () => {
              outcome.assignment ??= 1;
            },
          ],
          [
            reassigned(reference, n),
            () => {
              outcome.assignment = 2;
            },
          ],
          ...(n % 2 === 0
            ? [
                [
                  orderEvent('order.completed', reference, {}),
                  () => {
                    outcome.ended = true;
                  },
                ] as const,
              ]
            : []),
        ];
        for (const [event, note] of events) {
          if (random.next() < 0.01) continue;
          note();
          const copies = 1 + Math.floor(random.next() * 10);
          for (let i = 0; i < copies; i++) messages.push(toMessage(reference, event));
        }
        delivered.set(reference, outcome);
      }
      const poison = Math.ceil(messages.length / 100);
      for (let i = 0; i < poison; i++) messages.push(poisonMessage(i));
      for (let i = messages.length - 1; i > 0; i--) {
        const j = Math.max(0, i - Math.floor(random.next() * 1_000));
        [messages[i], messages[j]] = [messages[j] as BusMessage, messages[i] as BusMessage];
      }
      replica = await Replica.start(deployment.environment);
      await publish(topics.orders, messages);
      const from = performance.now();
      await until('no lag', async () => (await bus.lag(topics.orders, group)) === 0n, LAG_LIMIT_MS);
      const lagMs = performance.now() - from;
      const live = await deployment.database.run(systemScope, (connection) =>
        connection.query<{ reference: string; assignment: number }>(liveSessions, ['messy-%']),
      );
      const found = new Map(live.map((row) => [row.reference, row.assignment]));
      for (const [reference, { assignment, ended }] of delivered) {
        expect(found.get(reference) ?? null, reference).toBe(ended ? null : assignment);
      }
      expect(await replica.metric('maskline_dead_letters_total')).toBe(poison);
      console.info(`Disorder: ${messages.length} events, lag back to 0 after ${Math.round(lagMs)} ms.`);
    });
  });

  function toMessage(key: string, event: object): BusMessage {
    return { key, value: Buffer.from(JSON.stringify(event)), headers: {} };
  }

  function orderEvent(type: string, orderId: string, data: object): object {
    const base = { specversion: '1.0', source: '/orders', time: '2026-01-01T00:00:00Z' };
    return { ...base, id: `${type}-${orderId}`, type, data: { orderId, ...data } };
  }

  function reassigned(reference: string, n: number): object {
    return { ...assigned(reference, n + ORDERS_APART, { assignment: 2 }), id: `reassigned-${reference}` };
  }

  function poisonMessage(i: number): BusMessage {
    const kinds = [
      Buffer.from('{"specversion":"1.0","id":'),
      Buffer.from([0xff, 0xfe, 0xc0, 0x80]),
      Buffer.from(JSON.stringify(orderEvent('order.unknown', `poison-${i}`, {}))),
      Buffer.from(JSON.stringify(orderEvent('order.placed', `poison-${i}`, { pool: 7, customerId: 1.5 }))),
      Buffer.alloc(300_000, 0x20),
    ];
    return { key: `poison-${i}`, value: kinds[i % kinds.length] as Buffer, headers: {} };
  }
}

/** So that another driver and customer take part after the change. */
const ORDERS_APART = 5_000;
