import { Admin, findErrorBy } from '@platformatic/kafka';
import { clientOptions, type KafkaConnection } from './kafka-connection.ts';

const LATEST = -1n;
const EARLIEST = -2n;

/** @throws when the cluster cannot be asked, or has no such topic */
export async function kafkaLag(admin: Admin, topic: string, group: string): Promise<bigint> {
  const metadata = await admin.metadata({ topics: [topic] });
  const indexes = metadata.topics.get(topic)?.partitions.map((_, index) => index) ?? [];
  const offsetsAt = async (timestamp: bigint): Promise<Map<number, bigint>> => {
    const partitions = indexes.map((partitionIndex) => ({ partitionIndex, timestamp }));
    const topics = await admin.listOffsets({ topics: [{ name: topic, partitions }] });
    const listed = topics.flatMap((answer) => answer.partitions);
    return new Map(listed.map(({ partitionIndex, offset }) => [partitionIndex, offset]));
  };
  const [latest, earliest, groups] = await Promise.all([
    offsetsAt(LATEST),
    offsetsAt(EARLIEST),
    admin.listConsumerGroupOffsets({
      groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes: indexes }] }],
    }),
  ]);
  const committed = new Map<number, bigint>();
  for (const answer of groups.flatMap(({ topics }) => topics)) {
    for (const { partitionIndex, committedOffset } of answer.partitions) {
      committed.set(partitionIndex, committedOffset);
    }
  }
  let lag = 0n;
  for (const index of indexes) {
    const start = earliest.get(index) ?? 0n;
    const position = committed.get(index) ?? -1n;
    const behind = (latest.get(index) ?? start) - (position > start ? position : start);
    if (behind > 0n) lag += behind;
  }
  return lag;
}

export interface KafkaTopic {
  readonly name: string;
  /** how many replicas of the service can share the work; cannot be lowered, and raising it moves keys */
  readonly partitions: number;
  /** copies, 3 in production; the broker's default when missing */
  readonly replicas?: number;
  /** how long messages are kept; the broker's default when missing */
  readonly retentionMs?: number;
}

/**
 * Creates the topics that are missing, and leaves alone those that are there, whatever their settings.
 * Returns the names of those that it created. @throws when the cluster cannot be asked or refuses
 */
export async function createKafkaTopics(
  connection: KafkaConnection,
  topics: readonly KafkaTopic[],
): Promise<string[]> {
  const admin = new Admin(clientOptions(connection));
  const created: string[] = [];
  try {
    // One by one: an answer that names one topic as existing says nothing about the others.
    for (const { name, partitions, replicas, retentionMs } of topics) {
      try {
        await admin.createTopics({
          topics: [{ topic: name, partitions, replicas: replicas ?? -1 }],
          configs: retentionMs === undefined ? [] : [{ name: 'retention.ms', value: String(retentionMs) }],
        });
        created.push(name);
      } catch (error) {
        if (!(error instanceof Error) || !findErrorBy(error, 'apiId', 'TOPIC_ALREADY_EXISTS')) throw error;
      }
    }
    return created;
  } finally {
    await admin.close();
  }
}
