import { Buffer } from 'node:buffer';
import type { Bus, BusMessage, Consumer, DeliveredMessage, Subscription } from '../../../../src/bus/bus.ts';

interface Follower {
  readonly subscription: Subscription;
  next: number;
  running: Promise<void> | null;
  stopped: boolean;
}

/** A bus for the tests of the delivery company: one partition, all in memory, and it can be broken on purpose. */
export class MemoryBus implements Bus {
  readonly #topics = new Map<string, DeliveredMessage[]>();
  readonly #followers = new Set<Follower>();
  /** When set, what happens instead of publishing: the bus is away, or the answer is lost. */
  outage: 'refuses' | 'loses_answer' | null = null;
  /** How often `publish` was called, failures included. */
  publishCalls = 0;

  async publish(topic: string, messages: readonly BusMessage[]): Promise<void> {
    this.publishCalls++;
    if (this.outage === 'refuses') throw new Error('The bus is away.');
    const log = this.#log(topic);
    for (const message of messages) {
      log.push({ ...message, topic, partition: 0, offset: BigInt(log.length) });
    }
    for (const follower of this.#followers) this.#deliver(follower);
    if (this.outage === 'loses_answer') throw new Error('The answer of the bus was lost.');
  }

  async subscribe(subscription: Subscription): Promise<Consumer> {
    if (this.outage === 'refuses') throw new Error('The bus is away.');
    const follower: Follower = { subscription, next: 0, running: null, stopped: false };
    this.#followers.add(follower);
    this.#deliver(follower);
    return {
      stop: async () => {
        follower.stopped = true;
        this.#followers.delete(follower);
        await follower.running;
      },
    };
  }

  async lag(): Promise<bigint | null> {
    return null;
  }

  async close(): Promise<void> {
    this.#followers.clear();
  }

  /** The CloudEvents on a topic, parsed, in order. */
  events<T>(topic: string): T[] {
    return this.#log(topic).map((message) => JSON.parse(Buffer.from(message.value).toString('utf8')) as T);
  }

  keys(topic: string): string[] {
    return this.#log(topic).map((message) => message.key);
  }

  #log(topic: string): DeliveredMessage[] {
    const log = this.#topics.get(topic) ?? [];
    this.#topics.set(topic, log);
    return log;
  }

  #deliver(follower: Follower): void {
    // What a consumer rejects is delivered again, together with the next message.
    follower.running ??= this.#drain(follower)
      .catch(() => undefined)
      .finally(() => {
        follower.running = null;
      });
  }

  async #drain(follower: Follower): Promise<void> {
    const { topic, handle } = follower.subscription;
    const log = this.#log(topic);
    // The publisher goes on first, as with a real broker.
    await Promise.resolve();
    while (!follower.stopped && follower.next < log.length) {
      const batch = log.slice(follower.next);
      await handle(batch, new AbortController().signal);
      follower.next += batch.length;
    }
  }
}
