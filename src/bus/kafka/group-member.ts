import { Consumer } from '@platformatic/kafka';
import { type Clock, pause } from '../../lib/clock.ts';
import { Signal } from '../../lib/signal.ts';
import type { BusLog } from '../bus.ts';
import { clientOptions, type KafkaConnection } from './kafka-connection.ts';
import { type HeldPartition, PartitionFetcher, type TakenMessage } from './partition-fetcher.ts';

/**
 * A member that fell silent loses its partitions after this, so that its work goes on elsewhere well within 15 s.
 * It is the least that a broker allows by default.
 */
const SESSION_TIMEOUT_MS = 6_000;
const HEARTBEAT_INTERVAL_MS = 1_500;
/** how long a rebalance waits for the members that it knows */
const REBALANCE_TIMEOUT_MS = 8_000;
const LEAVE_LIMIT_MS = 5_000;

/**
 * One membership of a consumer group, from joining to leaving; after trouble it is thrown away and another is
 * made. There are two clients in it, because a broker answers the requests of a connection one by one: a fetch
 * that waits for news would hold up commits and heartbeats.
 *
 * The client's own message stream is not used. After a rebalance it can go on from where it had fetched to rather
 * than from what was committed, which loses messages; here a partition that comes back starts afresh.
 */
export class GroupMember {
  readonly wake = new Signal();
  readonly fetcher: PartitionFetcher;
  readonly #membership: Consumer;
  readonly #fetching: Consumer;
  readonly #topic: string;
  readonly #clock: Clock;
  #broken: Error | null = null;

  private constructor(connection: KafkaConnection, topic: string, group: string, clock: Clock, log: BusLog) {
    this.#topic = topic;
    this.#clock = clock;
    const options = { ...clientOptions(connection), groupId: group };
    this.#fetching = new Consumer(options);
    this.#membership = new Consumer({
      ...options,
      // Joining waits for the other members.
      requestTimeout: REBALANCE_TIMEOUT_MS + 5_000,
      sessionTimeout: SESSION_TIMEOUT_MS,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_INTERVAL_MS,
      heartbeatStallTimeout: SESSION_TIMEOUT_MS,
      // Members keep what they hold while others come and go.
      protocols: [{ name: 'cooperative-sticky', version: 1 }],
    });
    this.fetcher = new PartitionFetcher(this.#fetching, topic, this.wake, log);
    this.#fetching.topics.track(topic);
    this.#membership.topics.track(topic);
    const adopt = (): void => this.#adopt();
    const breakWith = (error: Error): void => {
      this.#broken ??= error;
      this.wake.raise();
    };
    this.#membership.on('consumer:group:join', adopt);
    this.#membership.on('consumer:group:rebalance', adopt);
    this.#membership.on('consumer:heartbeat:stalled', () => breakWith(new Error('Heartbeats fail.')));
    // The client says so when it could not join again, and then no longer tries.
    this.#membership.on('error', breakWith);
    this.#fetching.on('error', breakWith);
  }

  /** @throws when the group cannot be joined now */
  static async join(
    connection: KafkaConnection,
    topic: string,
    group: string,
    clock: Clock,
    log: BusLog,
  ): Promise<GroupMember> {
    const member = new GroupMember(connection, topic, group, clock, log);
    try {
      await member.#membership.joinGroup({});
      member.#adopt();
      return member;
    } catch (error) {
      await member.leave();
      throw error;
    }
  }

  throwIfBroken(): void {
    if (this.#broken) throw this.#broken;
  }

  /** Reads where the group stands on the partitions that are new here. */
  async findPositions(): Promise<void> {
    const fresh = this.fetcher.unpositioned();
    if (fresh.length === 0) return;
    const partitions = fresh.map(({ partition }) => partition);
    const topics = [{ topic: this.#topic, partitions }];
    const committed = (await this.#membership.listCommittedOffsets({ topics })).get(this.#topic);
    const committedOf = ({ partition, outOfRange }: HeldPartition): bigint =>
      outOfRange ? -1n : (committed?.[partition] ?? -1n);
    const uncommitted = fresh.filter((held) => committedOf(held) < 0n).map(({ partition }) => partition);
    const earliest =
      uncommitted.length > 0
        ? await this.#membership.listOffsets({
            topics: [this.#topic],
            partitions: { [this.#topic]: uncommitted },
            timestamp: EARLIEST,
          })
        : null;
    for (const held of fresh) {
      const position = committedOf(held);
      held.next = position >= 0n ? position : (earliest?.get(this.#topic)?.[held.partition] ?? 0n);
      held.outOfRange = false;
    }
  }

  /** Commits what was handled, of the partitions that are still held. @throws when the broker did not confirm */
  async commit(handled: readonly TakenMessage[], signal: AbortSignal): Promise<void> {
    await this.#waitUntilActive(signal);
    const lastOf = new Map<HeldPartition, bigint>();
    for (const { message, from } of handled) lastOf.set(from, message.offset);
    const offsets = [...lastOf]
      .filter(([held]) => this.fetcher.holds(held))
      .map(([held, last]) => ({
        topic: this.#topic,
        partition: held.partition,
        // When nothing more was fetched, whatever lies between is no message: a transaction's marker, say.
        offset: held.fetched[0]?.offset ?? held.next ?? last + 1n,
        leaderEpoch: -1,
      }));
    if (offsets.length > 0) await this.#membership.commit({ offsets });
  }

  /** Never rejects and never takes long: a member that could not say goodbye is missed soon. */
  async leave(): Promise<void> {
    const closing = Promise.allSettled([this.#fetching.close(), this.#membership.close()]);
    const limit = new AbortController();
    await Promise.race([closing, pause(this.#clock, LEAVE_LIMIT_MS, limit.signal)]);
    limit.abort();
  }

  #adopt(): void {
    const mine = this.#membership.assignments?.find(({ topic }) => topic === this.#topic);
    this.fetcher.hold(mine?.partitions ?? []);
  }

  /** A commit in the middle of a rebalance would be refused. */
  async #waitUntilActive(signal: AbortSignal): Promise<void> {
    const until = this.#clock.now() + REBALANCE_TIMEOUT_MS;
    while (!this.#membership.isActive() && this.#clock.now() < until && !signal.aborted) {
      this.throwIfBroken();
      await pause(this.#clock, 50, signal);
    }
  }
}

const EARLIEST = -2n;
