import { Admin } from '@platformatic/kafka';
import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { type Bus, BusError, type BusLog } from '../bus.ts';
import { checkMessages, checkSubscription, checkTopic } from '../check-message.ts';
import { kafkaLag } from './kafka-admin.ts';
import { clientOptions, type KafkaConnection } from './kafka-connection.ts';
import { KafkaConsumer } from './kafka-consumer.ts';
import { KafkaPublisher } from './kafka-publisher.ts';

export interface KafkaBusOptions extends KafkaConnection {
  /** for pauses and retries; the client's own timers are the system's */
  readonly clock: Clock;
  readonly random: Random;
  readonly log: BusLog;
}

/**
 * The event log on Apache Kafka. Nothing is asked of the cluster before the first call, so that a service starts,
 * and answers calls, while Kafka is away. The topics must be there: see `createKafkaTopics`.
 */
export function createKafkaBus(options: KafkaBusOptions): Bus {
  const { clock, random, log, ...connection } = options;
  const publisher = new KafkaPublisher(connection);
  const admin = new Admin(clientOptions(connection));
  const consumers = new Set<KafkaConsumer>();
  // While it is closing, the batches in hand may still publish; nobody may subscribe any more.
  let state: 'open' | 'closing' | 'closed' = 'open';

  function refuseWhenClosed(): void {
    if (state === 'closed') throw new BusError('closed', 'The bus is closed.');
  }

  return {
    async publish(topic, messages) {
      refuseWhenClosed();
      checkMessages(topic, messages);
      await publisher.publish(topic, messages);
    },

    async subscribe(subscription) {
      if (state !== 'open') throw new BusError('closed', 'The bus is closed.');
      const batchSize = checkSubscription(subscription);
      const consumer = new KafkaConsumer({ connection, subscription, batchSize, clock, random, log });
      consumers.add(consumer);
      return {
        async stop() {
          await consumer.stop();
          consumers.delete(consumer);
        },
      };
    },

    async lag(topic, group) {
      refuseWhenClosed();
      checkTopic(topic);
      try {
        return await kafkaLag(admin, topic, group);
      } catch {
        return null;
      }
    },

    async close() {
      if (state === 'closed') return;
      state = 'closing';
      await Promise.all([...consumers].map((consumer) => consumer.stop()));
      consumers.clear();
      state = 'closed';
      await Promise.allSettled([publisher.close(), admin.close()]);
    },
  };
}
