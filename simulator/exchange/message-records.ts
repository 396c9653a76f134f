import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Instant } from '../../src/lib/clock.ts';
import { RECORDS_KEPT } from './call-records.ts';

export interface DeliveredText {
  readonly to: string;
  /** the sender that the receiving phone shows */
  readonly from: string;
  readonly body: string;
}

/** `refused`: the account whose number was written to did not want it. `failed`: nobody could take it. */
export type MessageState = 'delivered' | 'refused' | 'failed';

export interface MessageRecord {
  readonly messageId: string;
  readonly from: string;
  readonly to: string;
  readonly body: string;
  readonly state: MessageState;
  readonly delivered: DeliveredText | null;
  readonly sentAt: Instant;
}

export interface MessageRecords {
  insert(message: MessageRecord): void;
  find(messageId: string): MessageRecord | null;
  /** Messages that this phone sent or received, newest first. */
  listByPhone(phone: string, limit: number): MessageRecord[];
}

const TRIM_EVERY = 500;

export function createMessageRecords(database: DatabaseSync): MessageRecords {
  const insert = database.prepare(`insert into message
    (message_id, sender, dialled, body, state, delivered_to, delivered_from, delivered_body, sent_at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const find = database.prepare('select * from message where message_id = ?');
  const listByPhone = database.prepare(`select * from (
      select * from (select * from message where sender = ? order by place desc limit ?)
      union
      select * from (select * from message where delivered_to = ? order by place desc limit ?)
    ) order by place desc limit ?`);
  const trim = database.prepare('delete from message where place <= ?');
  return {
    insert(message) {
      const { lastInsertRowid } = insert.run(
        message.messageId,
        message.from,
        message.to,
        message.body,
        message.state,
        message.delivered?.to ?? null,
        message.delivered?.from ?? null,
        message.delivered?.body ?? null,
        message.sentAt,
      );
      const place = Number(lastInsertRowid);
      if (place % TRIM_EVERY === 0) trim.run(place - RECORDS_KEPT);
    },
    find(messageId) {
      const row = find.get(messageId);
      return row ? toMessageRecord(row) : null;
    },
    listByPhone: (phone, limit) => listByPhone.all(phone, limit, phone, limit, limit).map(toMessageRecord),
  };
}

function toMessageRecord(row: Record<string, SQLOutputValue>): MessageRecord {
  const to = row.delivered_to;
  return {
    messageId: String(row.message_id),
    from: String(row.sender),
    to: String(row.dialled),
    body: String(row.body),
    state: row.state as MessageState,
    delivered:
      typeof to === 'string'
        ? { to, from: String(row.delivered_from), body: String(row.delivered_body) }
        : null,
    sentAt: Number(row.sent_at),
  };
}
