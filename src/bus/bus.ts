/** One event on its way: CloudEvents 1.0, structured JSON mode in `value`. */
export interface BusMessage {
  /** events of one key are delivered in the order in which they were published */
  readonly key: string;
  readonly value: Uint8Array;
  /** lower-case names; CloudEvents binary mode puts its attributes here as `ce_…` */
  readonly headers: Readonly<Record<string, string>>;
}

export interface DeliveredMessage extends BusMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

export interface Subscription {
  readonly topic: string;
  /** consumers of one group share the work; every group gets every message */
  readonly group: string;
  /**
   * Handles a batch, in order. When it resolves, the batch is committed; when it rejects, the same messages
   * are delivered again after a pause. At least once: a message may come again after a crash.
   */
  readonly handle: (batch: readonly DeliveredMessage[], signal: AbortSignal) => Promise<void>;
  /** default 200 messages */
  readonly batchSize?: number;
}

/** A running consumer. `stop` lets the batch in hand finish, commits it and leaves the group. */
export interface Consumer {
  stop(): Promise<void>;
}

/**
 * The event log: at least once, ordered by key, redelivered after a crash. Nothing on the call path uses it.
 */
export interface Bus {
  /** Resolves when every message is durable, in the order given for each key. Rejects if it may not be. */
  publish(topic: string, messages: readonly BusMessage[]): Promise<void>;
  subscribe(subscription: Subscription): Promise<Consumer>;
  /** Messages that this group has still to handle, over all partitions; null when it cannot be told now. */
  lag(topic: string, group: string): Promise<bigint | null>;
  close(): Promise<void>;
}
