import { compatibilityPartitioner, ProduceAcks, Producer } from '@platformatic/kafka';
import { BusError, type BusMessage, MESSAGE_BYTES_MAXIMUM } from '../bus.ts';
import { messageBytes } from '../check-message.ts';
import { clientOptions, type KafkaConnection } from './kafka-connection.ts';

// Kafka limits a record batch to 1,048,588 bytes by default. A send makes one batch for each partition, and all of
// it may fall to one; so a send stays below that, whatever the partitions.
const SEND_BYTES = MESSAGE_BYTES_MAXIMUM;
const SEND_MESSAGES = 5_000;
/** of a record beside its key, value and headers, generously */
const RECORD_OVERHEAD_BYTES = 40;
const WAITING_BYTES_MAXIMUM = 64 * 1024 * 1024;

interface Publication {
  readonly topic: string;
  readonly messages: readonly BusMessage[];
  readonly bytes: number;
  readonly settle: (error: BusError | null) => void;
}

/**
 * Publishes with an idempotent producer that waits for all in-sync replicas. One send is under way at a time, so
 * that the order of each key is the order of the calls; whatever is asked for meanwhile on the same topic goes
 * together with the next.
 */
export class KafkaPublisher {
  readonly #producer: Producer<string, Buffer, string, string>;
  readonly #waiting: Publication[] = [];
  #waitingBytes = 0;
  #sending: Promise<void> | null = null;

  constructor(connection: KafkaConnection) {
    this.#producer = new Producer({
      ...clientOptions(connection),
      idempotent: true,
      acks: ProduceAcks.ALL,
      // The partition that a Java client would choose, so that several producers of one topic agree.
      partitioner: compatibilityPartitioner,
      serializers: {
        key: (key) => Buffer.from(key ?? '', 'utf8'),
        value: (value) => value ?? Buffer.alloc(0),
        headerKey: (name) => Buffer.from(name ?? '', 'utf8'),
        headerValue: (value) => Buffer.from(value ?? '', 'utf8'),
      },
    });
  }

  publish(topic: string, messages: readonly BusMessage[]): Promise<void> {
    if (messages.length === 0) return Promise.resolve();
    const bytes = messages.reduce((sum, message) => sum + messageBytes(message) + RECORD_OVERHEAD_BYTES, 0);
    if (this.#waitingBytes + bytes > WAITING_BYTES_MAXIMUM && this.#waiting.length > 0) {
      const detail = `More than ${WAITING_BYTES_MAXIMUM} bytes wait for Kafka; try again later.`;
      return Promise.reject(new BusError('unavailable', detail));
    }
    this.#waitingBytes += bytes;
    return new Promise((resolve, reject) => {
      const settle = (error: BusError | null): void => (error ? reject(error) : resolve());
      this.#waiting.push({ topic, messages, bytes, settle });
      this.#sending ??= this.#sendAll();
    });
  }

  async close(): Promise<void> {
    await this.#sending;
    await this.#producer.close();
  }

  async #sendAll(): Promise<void> {
    // Lets the calls of this turn of the event loop gather.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup();
      const error = await this.#send(group);
      for (const publication of group) publication.settle(error);
    }
    this.#sending = null;
  }

  /** What is next, with as much of the same topic behind it as fits one send. */
  #takeGroup(): Publication[] {
    const group: Publication[] = [];
    let bytes = 0;
    let messages = 0;
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      bytes += next.bytes;
      messages += next.messages.length;
      const fits = next.topic === group[0]?.topic && bytes <= SEND_BYTES && messages <= SEND_MESSAGES;
      if (group.length > 0 && !fits) break;
      this.#waiting.shift();
      this.#waitingBytes -= next.bytes;
      group.push(next);
    }
    return group;
  }

  async #send(group: readonly Publication[]): Promise<BusError | null> {
    try {
      for (const chunk of chunksOf(group.flatMap(({ messages }) => messages))) {
        await this.#producer.send({
          messages: chunk.map(({ key, value, headers }) => ({
            topic: group[0]?.topic ?? '',
            key,
            value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
            headers: new Map(Object.entries(headers)),
          })),
        });
      }
      return null;
    } catch (cause) {
      return new BusError('unavailable', 'Kafka did not confirm the messages.', { cause });
    }
  }
}

function chunksOf(messages: readonly BusMessage[]): BusMessage[][] {
  const chunks: BusMessage[][] = [];
  let chunk: BusMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = messageBytes(message) + RECORD_OVERHEAD_BYTES;
    if (chunk.length > 0 && (bytes + size > SEND_BYTES || chunk.length === SEND_MESSAGES)) {
      chunks.push(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(message);
    bytes += size;
  }
  chunks.push(chunk);
  return chunks;
}
