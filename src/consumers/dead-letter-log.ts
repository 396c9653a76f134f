import type { BusMessage } from '../bus/bus.ts';

/** A dead letter as far as it can be told without opening its seal. */
export interface DeadLetterEntry {
  /** where the original stood: `topic/partition/offset` */
  readonly id: string;
  readonly reason: string;
  readonly detail: string;
  /** RFC 3339, as every instant here */
  readonly failedAt: string;
  readonly bytes: number;
  readonly complete: boolean;
  readonly redrivenAt: string | null;
  readonly message: BusMessage;
}

const REDRIVEN_AT = 'redriven_at';

/** Says on the dead-letter topic itself that the original was put back; a topic cannot be written over. */
export function redriveMarker(entry: Pick<DeadLetterEntry, 'id'>, at: number): BusMessage {
  return { key: entry.id, value: new Uint8Array(0), headers: { [REDRIVEN_AT]: new Date(at).toISOString() } };
}

/** One entry for each original, oldest first. A redelivery makes copies, and the first of them is as good as any. */
export function foldDeadLetters(messages: readonly BusMessage[]): DeadLetterEntry[] {
  const entries = new Map<string, DeadLetterEntry>();
  for (const message of messages) {
    const known = entries.get(message.key);
    const redrivenAt = message.headers[REDRIVEN_AT];
    if (redrivenAt !== undefined) {
      if (known) entries.set(message.key, { ...known, redrivenAt });
    } else if (!known && message.headers.reason !== undefined) {
      entries.set(message.key, toEntry(message));
    }
  }
  return [...entries.values()].sort((a, b) => a.failedAt.localeCompare(b.failedAt));
}

function toEntry(message: BusMessage): DeadLetterEntry {
  const { headers } = message;
  return {
    id: message.key,
    reason: headers.reason ?? '',
    detail: headers.detail ?? '',
    failedAt: headers.failed_at ?? '',
    bytes: Number(headers.original_bytes ?? '0'),
    complete: headers.original_complete === 'true',
    redrivenAt: null,
    message,
  };
}
