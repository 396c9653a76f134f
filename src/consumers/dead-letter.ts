import type { BusMessage, DeliveredMessage } from '../bus/bus.ts';
import { redact } from '../observe/log.ts';
import type { Place, TenantKeys } from '../privacy/vault.ts';
import type { Poison } from './poison.ts';

// Base64 makes four bytes of three, JSON at most six of one: with these limits a dead letter fits the bus.
const VALUE_BYTES_KEPT = 600_000;
const LABEL_BYTES_KEPT = 20_000;
const DETAIL_LENGTH_MAXIMUM = 500;

/** A message as it came, and where from. */
export interface OriginalMessage extends BusMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

export interface DeadLetter {
  readonly tenant: string;
  readonly poison: { readonly reason: string; readonly detail: string };
  /** milliseconds */
  readonly failedAt: number;
  readonly original: OriginalMessage;
  /** false when the original was too large to be kept whole; its topic has it for as long as it retains it */
  readonly complete: boolean;
}

/**
 * Packs a message that cannot be processed: the reason in the headers, key, headers and bytes of the original
 * sealed in the value, since any of them may hold a phone number. The key is the position of the original, so
 * that the copy which a redelivery makes is known by it.
 */
export function sealDeadLetter(
  message: DeliveredMessage,
  poison: Poison,
  context: { readonly tenant: string; readonly keys: TenantKeys; readonly failedAt: number },
): BusMessage {
  const { topic, partition, offset } = message;
  const labels = JSON.stringify([message.key, message.headers]);
  const keepsLabels = Buffer.byteLength(labels) <= LABEL_BYTES_KEPT;
  const complete = keepsLabels && message.value.byteLength <= VALUE_BYTES_KEPT;
  const packed = JSON.stringify({
    key: keepsLabels ? message.key : '',
    headers: keepsLabels ? message.headers : {},
    value: Buffer.from(message.value.subarray(0, VALUE_BYTES_KEPT)).toString('base64'),
  });
  const position = `${topic}/${partition}/${offset}`;
  return {
    key: position,
    value: context.keys.sealText(packed, placeOf(position)),
    headers: {
      'content-type': 'application/octet-stream',
      tenant: context.tenant,
      reason: poison.reason,
      detail: redact(poison.detail).slice(0, DETAIL_LENGTH_MAXIMUM).toWellFormed(),
      failed_at: new Date(context.failedAt).toISOString(),
      original_topic: topic,
      original_partition: String(partition),
      original_offset: String(offset),
      original_bytes: String(message.value.byteLength),
      original_complete: String(complete),
    },
  };
}

/** The tenant whose keys open a dead letter; null when the message is none. */
export function tenantOfDeadLetter(message: BusMessage): string | null {
  return message.headers.tenant ?? null;
}

/**
 * Unpacks what `sealDeadLetter` packed.
 * @throws UnsealError when the keys are another tenant's, gone, or the message was changed
 */
export function openDeadLetter(message: BusMessage, keys: TenantKeys): DeadLetter {
  const packed: unknown = JSON.parse(keys.openText(message.value, placeOf(message.key)));
  if (!isPacked(packed)) throw new Error('What was sealed is no dead letter of this version.');
  const header = (name: string): string => message.headers[name] ?? '';
  return {
    tenant: header('tenant'),
    poison: { reason: header('reason'), detail: header('detail') },
    failedAt: Date.parse(header('failed_at')),
    complete: header('original_complete') === 'true',
    original: {
      topic: header('original_topic'),
      partition: Number(header('original_partition')),
      offset: BigInt(header('original_offset')),
      key: packed.key,
      headers: packed.headers,
      value: Buffer.from(packed.value, 'base64'),
    },
  };
}

function placeOf(position: string): Place {
  return { table: 'dead_letter', row: position };
}

// Sealed text is our own, so its outline is enough.
function isPacked(value: unknown): value is { key: string; headers: Record<string, string>; value: string } {
  return (
    typeof value === 'object' && value !== null && 'key' in value && 'headers' in value && 'value' in value
  );
}
