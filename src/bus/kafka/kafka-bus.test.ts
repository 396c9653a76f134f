import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Admin, Producer } from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import { pause, systemClock } from '../../lib/clock.ts';
import { systemRandom } from '../../lib/random.ts';
import type { Bus, BusMessage, DeliveredMessage } from '../bus.ts';
import { type BusBench, exerciseBus } from '../conformance.ts';
import { createKafkaTopics } from './kafka-admin.ts';
import { createKafkaBus } from './kafka-bus.ts';

const BROKERS = process.env.KAFKA_BROKERS;
const brokers = (BROKERS ?? '').split(',');
const log = { info() {}, warn() {} };

function openBus(): Bus {
  return createKafkaBus({ brokers, clientId: 'test', clock: systemClock, random: systemRandom, log });
}

async function createTopic(partitions = 3): Promise<string> {
  const name = `test-${randomUUID()}`;
  await createKafkaTopics({ brokers, clientId: 'test' }, [{ name, partitions, replicas: 1 }]);
  return name;
}

async function createBench(): Promise<BusBench> {
  const buses: Bus[] = [];
  const open = (): Bus => {
    const bus = openBus();
    buses.push(bus);
    return bus;
  };
  return {
    bus: open(),
    clock: systemClock,
    topic: () => createTopic(),
    openAnother: async () => open(),
    async crashWhileHandling(topic, group) {
      const script = fileURLToPath(new URL('crashing-consumer.ts', import.meta.url));
      const child = spawn(process.execPath, [script, brokers.join(','), topic, group], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const lines = createInterface({ input: child.stdout });
      const [line] = await once(lines, 'line');
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      return JSON.parse(String(line)) as string[];
    },
    // A real broker keeps real time: this is a poll of a condition with a bound, not a guess at a duration.
    tick: () => pause(systemClock, 20),
    async close() {
      await Promise.all(buses.map((bus) => bus.close()));
    },
  };
}

if (BROKERS === undefined) {
  describe('Bus: Kafka', () => {
    it('was left out, because KAFKA_BROKERS is not set (scripts/kafka start prints an address)', (context) => {
      context.skip();
    });
  });
} else {
  exerciseBus('Kafka', createBench);

  describe('createKafkaTopics', () => {
    it('creates what is missing, says so, and leaves alone what is there', async () => {
      const connection = { brokers, clientId: 'test' };
      const [first, second] = [await createTopic(), `test-${randomUUID()}`];
      const topics = [first, second].map((name) => ({
        name,
        partitions: 2,
        replicas: 1,
        retentionMs: 60_000,
      }));
      expect(await createKafkaTopics(connection, topics)).toEqual([second]);
      expect(await createKafkaTopics(connection, topics)).toEqual([]);
    });
  });

  describe('createKafkaBus', () => {
    it('refuses to publish to a topic that is not there, and goes on with others', async () => {
      const bus = openBus();
      const topic = await createTopic();
      const message = { key: 'k', value: Buffer.from('v'), headers: {} };
      const [missing, present] = await Promise.allSettled([
        bus.publish(`missing-${randomUUID()}`, [message]),
        bus.publish(topic, [message]),
      ]);
      expect(missing).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
      expect(present.status).toBe('fulfilled');
      expect(await bus.lag(`missing-${randomUUID()}`, 'g')).toBeNull();
      expect(await bus.lag(topic, 'g')).toBe(1n);
      await bus.close();
    });

    /** The first `count` messages of a group. */
    async function receive(bus: Bus, topic: string, count: number): Promise<DeliveredMessage[]> {
      const got: DeliveredMessage[] = [];
      const enough = Promise.withResolvers<void>();
      const consumer = await bus.subscribe({
        topic,
        group: 'g',
        async handle(batch) {
          got.push(...batch);
          if (got.length >= count) enough.resolve();
        },
      });
      await enough.promise;
      await consumer.stop();
      return got;
    }

    it('goes on with the oldest message when the group slept longer than the topic keeps them', async () => {
      const bus = openBus();
      const topic = await createTopic(1);
      const publish = (from: number, to: number): Promise<void> => {
        const messages: BusMessage[] = [];
        for (let i = from; i < to; i++)
          messages.push({ key: 'k', value: Buffer.from(String(i)), headers: {} });
        return bus.publish(topic, messages);
      };
      await publish(0, 1);
      await receive(bus, topic, 1);
      await publish(1, 5);
      const admin = new Admin({ bootstrapBrokers: brokers, clientId: 'test' });
      await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 3n }] }] });
      await admin.close();
      expect(await bus.lag(topic, 'g')).toBe(2n);
      const got = await receive(bus, topic, 2);
      expect(got.map(({ offset }) => offset)).toEqual([3n, 4n]);
      expect(await bus.lag(topic, 'g')).toBe(0n);
      await bus.close();
    });

    it('delivers whatever another client has written: no key, no value, odd headers', async () => {
      const topic = await createTopic(1);
      const producer = new Producer({ bootstrapBrokers: brokers, clientId: 'test' });
      const headers = new Map([
        [Buffer.from('Content-Type'), Buffer.from('a/b')],
        [Buffer.from('__proto__'), Buffer.from('x')],
      ]);
      await producer.send({ messages: [{ topic, headers }] });
      await producer.close();
      const bus = openBus();
      const [message] = await receive(bus, topic, 1);
      expect(message).toMatchObject({ key: '', partition: 0, offset: 0n });
      expect(message?.value).toHaveLength(0);
      expect(Object.entries(message?.headers ?? {})).toEqual([
        ['content-type', 'a/b'],
        ['__proto__', 'x'],
      ]);
      await bus.close();
    });

    it('says that a cluster is away, closes all the same, and bothers nobody', async () => {
      const bus = createKafkaBus({
        brokers: ['127.0.0.1:1'],
        clientId: 'test',
        clock: systemClock,
        random: systemRandom,
        log,
      });
      await bus.subscribe({ topic: 't', group: 'g', handle: async () => undefined });
      const message = { key: 'k', value: Buffer.from('v'), headers: {} };
      await expect(bus.publish('t', [message])).rejects.toMatchObject({ code: 'unavailable' });
      expect(await bus.lag('t', 'g')).toBeNull();
      await bus.close();
    });
  });
}
