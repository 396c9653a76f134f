import type { DatabaseSync, StatementSync } from 'node:sqlite';

export interface OutboxEntry {
  readonly seq: number;
  readonly key: string;
  /** CloudEvents 1.0, structured JSON */
  readonly event: string;
}

/**
 * Events that are decided and not yet published. A row is written in the transaction of the change that it
 * announces and goes when the bus has it, so that a crash in between publishes twice at worst, never not.
 */
export class OutboxStore {
  readonly #add: StatementSync;
  readonly #next: StatementSync;
  readonly #remove: StatementSync;

  constructor(database: DatabaseSync) {
    this.#add = database.prepare('INSERT INTO outbox (key, event) VALUES (?, ?)');
    this.#next = database.prepare('SELECT seq, key, event FROM outbox ORDER BY seq LIMIT ?');
    this.#remove = database.prepare('DELETE FROM outbox WHERE seq BETWEEN ? AND ?');
  }

  add(key: string, event: string): void {
    this.#add.run(key, event);
  }

  /** The oldest entries, in order. */
  next(limit: number): OutboxEntry[] {
    return this.#next.all(limit) as unknown as OutboxEntry[];
  }

  /** Removes what `next` returned: one consumer reads the outbox, so the range holds nothing else. */
  remove(entries: readonly OutboxEntry[]): void {
    const first = entries.at(0);
    const last = entries.at(-1);
    if (first && last) this.#remove.run(first.seq, last.seq);
  }
}
