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

export interface KafkaTopicState {
  readonly partitions: number;
  /** copies of the partition that has the fewest */
  readonly replicas: number;
  /** partitions that nobody leads, so that they take nothing at the moment */
  readonly leaderless: number;
}

/** The brokers and these topics; a topic that is missing is null. @throws when the cluster cannot be asked */
export async function describeKafka(
  connection: KafkaConnection,
  names: readonly string[],
): Promise<{ brokers: number; topics: ReadonlyMap<string, KafkaTopicState | null> }> {
  const admin = new Admin(clientOptions(connection));
  try {
    const known = await admin.listTopics();
    const present = names.filter((name) => known.includes(name));
    const metadata = await admin.metadata({ topics: present });
    const states = new Map<string, KafkaTopicState | null>(names.map((name) => [name, null]));
    for (const name of present) {
      const partitions = metadata.topics.get(name)?.partitions ?? [];
      states.set(name, {
        partitions: partitions.length,
        replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
        leaderless: partitions.filter(({ leader }) => leader < 0).length,
      });
    }
    return { brokers: metadata.brokers.size, topics: states };
  } finally {
    await admin.close();
  }
}

/** Forgets a consumer group that nobody is a member of. @throws when the cluster cannot be asked or refuses */
export async function deleteKafkaGroup(connection: KafkaConnection, group: string): Promise<void> {
  const admin = new Admin(clientOptions(connection));
  try {
    await admin.deleteGroups({ groups: [group] });
  } finally {
    await admin.close();
  }
}
