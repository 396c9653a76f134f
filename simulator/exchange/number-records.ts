import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '../../src/lib/clock.ts';

/** Where the account wants to be asked and told about a number that it holds. */
export interface NumberWebhooks {
  readonly answerUrl: string;
  readonly statusUrl: string;
  readonly messageUrl: string;
}

/** A number that the account has bought. */
export interface NumberHeld extends NumberWebhooks {
  readonly numberId: string;
  readonly virtualNumber: string;
  readonly country: string;
  readonly provisionedAt: Instant;
}

export interface NumberRecords {
  insert(held: NumberHeld): void;
  setWebhooks(virtualNumber: string, webhooks: NumberWebhooks): void;
  delete(virtualNumber: string): void;
  all(): NumberHeld[];
  /** Held numbers after `cursor`, in ascending order. */
  page(cursor: string, limit: number): NumberHeld[];
  /** Catalogue numbers that a phone uses as its own, so that they are not for sale. */
  phoneLines(): string[];
  insertPhoneLine(phone: string): void;
}

const COLUMNS = `number_id as numberId, virtual_number as virtualNumber, country, answer_url as answerUrl,
  status_url as statusUrl, message_url as messageUrl, provisioned_at as provisionedAt`;

export function createNumberRecords(database: DatabaseSync): NumberRecords {
  const insert = database.prepare(`insert into number_held
    (number_id, virtual_number, country, answer_url, status_url, message_url, provisioned_at)
    values (?, ?, ?, ?, ?, ?, ?)`);
  const setWebhooks = database.prepare(
    'update number_held set answer_url = ?, status_url = ?, message_url = ? where virtual_number = ?',
  );
  const remove = database.prepare('delete from number_held where virtual_number = ?');
  const all = database.prepare(`select ${COLUMNS} from number_held`);
  const page = database.prepare(
    `select ${COLUMNS} from number_held where virtual_number > ? order by virtual_number limit ?`,
  );
  const insertLine = database.prepare('insert or ignore into phone_line (phone) values (?)');
  const lines = database.prepare('select phone from phone_line');
  return {
    insert(held) {
      insert.run(
        held.numberId,
        held.virtualNumber,
        held.country,
        held.answerUrl,
        held.statusUrl,
        held.messageUrl,
        held.provisionedAt,
      );
    },
    setWebhooks(virtualNumber, { answerUrl, statusUrl, messageUrl }) {
      setWebhooks.run(answerUrl, statusUrl, messageUrl, virtualNumber);
    },
    delete: (virtualNumber) => void remove.run(virtualNumber),
    all: () => all.all() as unknown as NumberHeld[],
    page: (cursor, limit) => page.all(cursor, limit) as unknown as NumberHeld[],
    phoneLines: () => lines.all().map((row) => String(row.phone)),
    insertPhoneLine: (phone) => void insertLine.run(phone),
  };
}
