import { createKafkaTopics } from './bus/kafka/kafka-admin.ts';
import type { KafkaConfig, Topics } from './config.ts';
import { kafkaConnection } from './create-bus.ts';

const DAY_MS = 86_400_000;
/** A dead letter should survive a holiday. */
const DEAD_LETTER_DAYS = 30;

export interface TopicSettings {
  /** of `orders` and `masking`: at most so many replicas share the work */
  readonly partitions: number;
  /** copies; as the brokers say when it is missing */
  readonly replicas?: number;
}

/** Makes the topics that are missing. Returns their names. @throws when the cluster cannot be asked or refuses */
export function createTopics(kafka: KafkaConfig, topics: Topics, settings: TopicSettings): Promise<string[]> {
  return createKafkaTopics(kafkaConnection(kafka), [
    { ...settings, name: topics.orders },
    { ...settings, name: topics.masking },
    { ...settings, name: topics.deadLetter, partitions: 1, retentionMs: DEAD_LETTER_DAYS * DAY_MS },
  ]);
}
