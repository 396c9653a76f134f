import { type Consumer, findErrorBy } from '@platformatic/kafka';
import type { Signal } from '../../lib/signal.ts';
import type { BusLog, DeliveredMessage } from '../bus.ts';
import { deliveredMessages, endOf } from './delivered-message.ts';

/** A broker without news answers after this; so nothing waits longer for the next look at the assignment. */
const FETCH_WAIT_MS = 500;
/** of one partition in one answer; a larger message comes alone */
const PARTITION_BYTES = 1024 * 1024;
const RESPONSE_BYTES = 8 * 1024 * 1024;
const OFFSET_OUT_OF_RANGE = 1;

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>;

/** A partition for as long as it is ours. When it was ours before, that was another one of these. */
export interface HeldPartition {
  readonly partition: number;
  /** the next offset to fetch; null until the group's position is known */
  next: bigint | null;
  /** the group's position is not in the log any more, so that the oldest message is the one to go on with */
  outOfRange: boolean;
  readonly fetched: DeliveredMessage[];
}

export interface TakenMessage {
  readonly message: DeliveredMessage;
  readonly from: HeldPartition;
}

/**
 * Fetches the partitions that this member holds, each as far ahead as about one batch, and forgets what was
 * fetched of a partition as soon as it is not held any more.
 */
export class PartitionFetcher {
  readonly #client: Consumer;
  readonly #topic: string;
  readonly #wake: Signal;
  readonly #log: BusLog;
  readonly #held = new Map<number, HeldPartition>();
  readonly #busyNodes = new Set<number>();
  #firstTurn = 0;
  #failure: Error | null = null;

  constructor(client: Consumer, topic: string, wake: Signal, log: BusLog) {
    this.#client = client;
    this.#topic = topic;
    this.#wake = wake;
    this.#log = log;
  }

  hold(partitions: readonly number[]): void {
    for (const partition of this.#held.keys()) {
      if (!partitions.includes(partition)) this.#held.delete(partition);
    }
    for (const partition of partitions) {
      if (!this.#held.has(partition))
        this.#held.set(partition, { partition, next: null, outOfRange: false, fetched: [] });
    }
    this.#wake.raise();
  }

  holds(held: HeldPartition): boolean {
    return this.#held.get(held.partition) === held;
  }

  unpositioned(): HeldPartition[] {
    return [...this.#held.values()].filter(({ next }) => next === null);
  }

  /**
   * Asks every leader that has something to give and is not being asked yet; answers arrive by themselves and
   * raise the signal. @throws what the last fetch failed with
   */
  async fetchMore(batchSize: number): Promise<void> {
    const failure = this.#failure;
    this.#failure = null;
    if (failure) throw failure;
    const wanted = [...this.#held.values()].filter(
      ({ next, fetched }) => next !== null && fetched.length < batchSize,
    );
    if (wanted.length === 0) return;
    const metadata = await this.#client.metadata({ topics: [this.#topic] });
    const topic = metadata.topics.get(this.#topic);
    if (!topic) throw new Error(`Topic ${this.#topic} is not there.`);
    const byNode = new Map<number, HeldPartition[]>();
    for (const held of wanted) {
      const node = topic.partitions[held.partition]?.leader ?? -1;
      if (this.#busyNodes.has(node)) continue;
      byNode.set(node, [...(byNode.get(node) ?? []), held]);
    }
    for (const [node, partitions] of byNode) void this.#fetch(node, topic.id, partitions);
  }

  /** At most `limit` messages, each partition in order, the partitions by turns. */
  take(limit: number): TakenMessage[] {
    const taken: TakenMessage[] = [];
    const partitions = [...this.#held.values()];
    const turn = this.#firstTurn++ % Math.max(1, partitions.length);
    for (const from of [...partitions.slice(turn), ...partitions.slice(0, turn)]) {
      for (const message of from.fetched.splice(0, limit - taken.length)) taken.push({ message, from });
    }
    return taken;
  }

  async #fetch(node: number, topicId: string, partitions: readonly HeldPartition[]): Promise<void> {
    this.#busyNodes.add(node);
    const asked = new Map(partitions.map((held) => [held, held.next ?? 0n]));
    try {
      const response = await this.#client.fetch({
        node,
        maxWaitTime: FETCH_WAIT_MS,
        minBytes: 1,
        maxBytes: RESPONSE_BYTES,
        topics: [
          {
            topicId,
            partitions: [...asked].map(([{ partition }, fetchOffset]) => ({
              partition,
              fetchOffset,
              partitionMaxBytes: PARTITION_BYTES,
              currentLeaderEpoch: -1,
              lastFetchedEpoch: -1,
            })),
          },
        ],
      });
      this.#accept(response, asked);
    } catch (error) {
      if (!this.#restartOutOfRange(error, asked)) {
        this.#failure = error instanceof Error ? error : new Error(String(error));
      }
    } finally {
      this.#busyNodes.delete(node);
      this.#wake.raise();
    }
  }

  #accept(response: FetchResponse, asked: ReadonlyMap<HeldPartition, bigint>): void {
    for (const { partitionIndex, records } of response.responses.flatMap(({ partitions }) => partitions)) {
      const held = this.#held.get(partitionIndex);
      const from = held && asked.get(held);
      const end = endOf(records ?? []);
      // An answer to an older question would turn the position back.
      if (!held || from === undefined || held.next !== from || !records || end === null) continue;
      const place = { topic: this.#topic, partition: partitionIndex, from };
      for (const message of deliveredMessages(records, place)) held.fetched.push(message);
      held.next = end;
    }
  }

  /**
   * The group slept longer than the topic keeps messages, or the topic was made anew: go on with the oldest that
   * is there. What comes twice by that is known to the inbox.
   */
  #restartOutOfRange(error: unknown, asked: ReadonlyMap<HeldPartition, bigint>): boolean {
    if (!(error instanceof Error) || !findErrorBy(error, 'apiCode', OFFSET_OUT_OF_RANGE)) return false;
    const response = findErrorBy(error, 'code', 'PLT_KFK_RESPONSE')?.response as FetchResponse | undefined;
    let restarted = false;
    for (const answer of response?.responses.flatMap(({ partitions }) => partitions) ?? []) {
      const held = this.#held.get(answer.partitionIndex);
      if (answer.errorCode !== OFFSET_OUT_OF_RANGE || !held || !asked.has(held)) continue;
      this.#log.warn(
        { topic: this.#topic, partition: held.partition, offset: String(held.next) },
        'the position of a group is not in the log any more; it goes on with the oldest message',
      );
      // The answer does not say where the log begins.
      held.next = null;
      held.outOfRange = true;
      restarted = true;
    }
    return restarted;
  }
}
