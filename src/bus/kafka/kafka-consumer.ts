import { type BackoffOptions, backoffDelayMs } from '../../lib/backoff.ts';
import { type Clock, pause } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import type { BusLog, Consumer, Subscription } from '../bus.ts';
import { GroupMember } from './group-member.ts';
import type { KafkaConnection } from './kafka-connection.ts';
import type { TakenMessage } from './partition-fetcher.ts';

const RETRY: BackoffOptions = { firstDelayMs: 1_000, maxDelayMs: 10_000 };
/** Short, because a broker that is back should be found within 15 s, joining included. */
const REJOIN: BackoffOptions = { firstDelayMs: 250, maxDelayMs: 2_000 };

export interface KafkaConsumerOptions {
  readonly connection: KafkaConnection;
  readonly subscription: Subscription;
  readonly batchSize: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: BusLog;
}

/** One consumer: joins its group, hands over batches, commits each, and joins anew after any trouble. */
export class KafkaConsumer implements Consumer {
  readonly #options: KafkaConsumerOptions;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: KafkaConsumerOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    return this.#running;
  }

  async #run(): Promise<void> {
    const { connection, subscription, clock, random, log } = this.#options;
    const { topic, group } = subscription;
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      let member: GroupMember | null = null;
      try {
        member = await GroupMember.join(connection, topic, group, clock, log);
        await this.#consume(member, () => {
          failures = 0;
        });
      } catch (error) {
        log.warn(
          { error, topic, group, failures: ++failures },
          'a consumer lost its group and joins it again',
        );
      }
      await member?.leave();
      if (!signal.aborted) await pause(clock, backoffDelayMs(failures, REJOIN, random), signal);
    }
  }

  async #consume(member: GroupMember, onProgress: () => void): Promise<void> {
    const { batchSize } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      member.throwIfBroken();
      await member.findPositions();
      await member.fetcher.fetchMore(batchSize);
      const batch = member.fetcher.take(batchSize);
      if (batch.length === 0) await member.wake.wait(signal);
      else await this.#deliver(member, batch);
      onProgress();
    }
  }

  /** Hands a batch over until it has been handled, then commits it; gives up on partitions that were lost. */
  async #deliver(member: GroupMember, batch: readonly TakenMessage[]): Promise<void> {
    const { subscription, clock, random, log } = this.#options;
    const { topic, group } = subscription;
    const { signal } = this.#stopping;
    let rest = batch;
    for (let failures = 0; ; failures++) {
      try {
        await subscription.handle(
          rest.map(({ message }) => message),
          signal,
        );
        break;
      } catch (error) {
        if (signal.aborted) return;
        const delayMs = backoffDelayMs(failures, RETRY, random);
        log.warn({ error, topic, group, failures, delayMs }, 'a batch was not handled and comes again');
        await pause(clock, delayMs, signal);
        if (signal.aborted) return;
        member.throwIfBroken();
        rest = rest.filter(({ from }) => member.fetcher.holds(from));
        if (rest.length === 0) return;
      }
    }
    await member.commit(rest, signal);
  }
}
