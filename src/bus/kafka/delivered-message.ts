import type { KafkaRecord, RecordsBatch } from '@platformatic/kafka';
import type { DeliveredMessage } from '../bus.ts';

// The broker marks the end of a transaction with a record that is no message.
const CONTROL_BATCH = 0x20;

/** The messages of a partition from `from` on; a batch may begin before it. */
export function deliveredMessages(
  batches: readonly RecordsBatch[],
  place: { readonly topic: string; readonly partition: number; readonly from: bigint },
): DeliveredMessage[] {
  const messages: DeliveredMessage[] = [];
  for (const batch of batches) {
    if (batch.attributes & CONTROL_BATCH) continue;
    for (const record of batch.records) {
      const offset = batch.firstOffset + BigInt(record.offsetDelta);
      if (offset >= place.from) messages.push(delivered(record, place.topic, place.partition, offset));
    }
  }
  return messages;
}

/** The offset behind the last batch, or null when there is none. */
export function endOf(batches: readonly RecordsBatch[]): bigint | null {
  const last = batches.at(-1);
  return last ? last.firstOffset + BigInt(last.lastOffsetDelta) + 1n : null;
}

function delivered(record: KafkaRecord, topic: string, partition: number, offset: bigint): DeliveredMessage {
  const headers: Record<string, string> = {};
  for (const [name, value] of record.headers) {
    // Plain assignment to `__proto__` would be lost, and with it a part of what goes to the dead letters.
    Object.defineProperty(headers, (name ?? '').toString('utf8').toLowerCase(), {
      value: (value ?? '').toString('utf8'),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return {
    topic,
    partition,
    offset,
    key: record.key?.toString('utf8') ?? '',
    headers,
    // A tombstone has no value; here it is an empty one.
    value: record.value ?? new Uint8Array(0),
  };
}
