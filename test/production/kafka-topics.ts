import { randomUUID } from 'node:crypto';
import { createKafkaTopics } from '../../src/bus/kafka/kafka-admin.ts';
import type { Topics } from '../../src/config.ts';

/** Whether there is a broker to test with; `scripts/kafka start` prints the address of one. */
export const BROKERS = process.env.KAFKA_BROKERS ?? null;

export const LEFT_OUT =
  'was left out, because KAFKA_BROKERS is not set (scripts/kafka start prints an address)';

/** Topics of this test alone. */
export async function createTopics(brokers: string, partitions = 4): Promise<Topics> {
  const suffix = randomUUID().slice(0, 8);
  const topics = {
    orders: `orders-${suffix}`,
    masking: `masking-${suffix}`,
    deadLetter: `dead-${suffix}`,
  };
  await createKafkaTopics({ brokers: brokers.split(','), clientId: 'test' }, [
    { name: topics.orders, partitions, replicas: 1 },
    { name: topics.masking, partitions, replicas: 1 },
    { name: topics.deadLetter, partitions: 1, replicas: 1 },
  ]);
  return topics;
}
