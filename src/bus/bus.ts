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
   * are delivered again after a pause of about a second, longer after each failure in a row. At least once: a
   * message may come again after a crash. Never called again before it has settled.
   *
   * `signal` aborts when the consumer is asked to stop: finish what is in hand, but wait for nothing.
   */
  readonly handle: (batch: readonly DeliveredMessage[], signal: AbortSignal) => Promise<void>;
  /** at most so many messages in a batch, 1 to 10,000; default 200 */
  readonly batchSize?: number;
}

export const BATCH_SIZE_DEFAULT = 200;
export const BATCH_SIZE_MAXIMUM = 10_000;

/**
 * Bytes of key, value and headers together. Kafka's own default for a whole record batch is 1,048,588, so that
 * one message of this size passes on a broker that nobody has configured.
 */
export const MESSAGE_BYTES_MAXIMUM = 1_000_000;

/** A running consumer. `stop` lets the batch in hand finish, commits it and leaves the group. */
export interface Consumer {
  stop(): Promise<void>;
}

/**
 * The event log: at least once, ordered by key, redelivered after a crash. Nothing on the call path uses it.
 */
export interface Bus {
  /**
   * Resolves when every message is durable, in the order given for each key. Rejects if one may not be: some of
   * them may be there all the same, so that publishing them again can double them.
   * @throws BusError
   */
  publish(topic: string, messages: readonly BusMessage[]): Promise<void>;
  /**
   * Begins to deliver. A group that has never committed begins with the oldest message that is kept.
   * @throws BusError
   */
  subscribe(subscription: Subscription): Promise<Consumer>;
  /** Messages that this group has still to handle, over all partitions; null when it cannot be told now. */
  lag(topic: string, group: string): Promise<bigint | null>;
  /** Stops every consumer as `Consumer.stop` does, then lets go of everything. */
  close(): Promise<void>;
}

export type BusErrorCode =
  /** more bytes than MESSAGE_BYTES_MAXIMUM; nothing of that call was published */
  | 'message_too_large'
  /** a topic, group, header or batch size that the bus cannot carry; nothing of that call was published */
  | 'invalid'
  /** the log cannot be reached, or it did not confirm in time; what was asked may have happened */
  | 'unavailable'
  /** the bus was closed */
  | 'closed';

export class BusError extends Error {
  readonly code: BusErrorCode;

  constructor(code: BusErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BusError';
    this.code = code;
  }
}

/** What a bus says about its own state. A pino logger is one. */
export interface BusLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}
