import {
  BATCH_SIZE_DEFAULT,
  BATCH_SIZE_MAXIMUM,
  BusError,
  type BusMessage,
  MESSAGE_BYTES_MAXIMUM,
  type Subscription,
} from './bus.ts';

// Kafka's own rule for topic names; groups keep to it too, so that either bus takes what the other takes.
const NAME = /^[A-Za-z0-9._-]{1,200}$/;
const HEADER_NAME = /^[a-z0-9_-]{1,100}$/;
const HEADERS_MAXIMUM = 50;

/** @throws BusError with code `invalid` */
export function checkTopic(topic: string): void {
  if (!NAME.test(topic)) throw new BusError('invalid', 'A topic has 1 to 200 letters, digits, dots, - or _.');
}

/** Refuses the whole call before anything of it is published. @throws BusError */
export function checkMessages(topic: string, messages: readonly BusMessage[]): void {
  checkTopic(topic);
  for (const message of messages) {
    const names = Object.keys(message.headers);
    if (names.length > HEADERS_MAXIMUM || !names.every((name) => HEADER_NAME.test(name))) {
      throw new BusError(
        'invalid',
        `A message has at most ${HEADERS_MAXIMUM} headers with lower-case names of a-z, 0-9, _ and -.`,
      );
    }
    // Half a surrogate pair does not survive UTF-8, and NUL does not survive PostgreSQL.
    const texts = [message.key, ...Object.values(message.headers)];
    if (!texts.every((text) => text.isWellFormed() && !text.includes('\0'))) {
      throw new BusError('invalid', 'Keys and header values are well-formed text without NUL.');
    }
    const bytes = messageBytes(message);
    if (bytes > MESSAGE_BYTES_MAXIMUM) {
      throw new BusError(
        'message_too_large',
        `A message for topic ${topic} has ${bytes} bytes; the limit is ${MESSAGE_BYTES_MAXIMUM}.`,
      );
    }
  }
}

/** The batch size to use. @throws BusError with code `invalid` */
export function checkSubscription(subscription: Subscription): number {
  checkTopic(subscription.topic);
  if (!NAME.test(subscription.group)) {
    throw new BusError('invalid', 'A group has 1 to 200 letters, digits, dots, - or _.');
  }
  const batchSize = subscription.batchSize ?? BATCH_SIZE_DEFAULT;
  if (!Number.isSafeInteger(batchSize) || batchSize < 1 || batchSize > BATCH_SIZE_MAXIMUM) {
    throw new BusError('invalid', `A batch has 1 to ${BATCH_SIZE_MAXIMUM} messages.`);
  }
  return batchSize;
}

/** Bytes of key, value and headers. */
export function messageBytes(message: BusMessage): number {
  let bytes = Buffer.byteLength(message.key) + message.value.byteLength;
  for (const [name, value] of Object.entries(message.headers)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  return bytes;
}
