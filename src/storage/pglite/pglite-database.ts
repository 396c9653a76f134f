import type { PGlite } from '@electric-sql/pglite';
import type {
  Database,
  OwnedDatabase,
  OwnerSession,
  Scope,
  SqlConnection,
  Statement,
} from '../sql/connection.ts';
import { TransactionGuard } from '../transaction-guard.ts';
import type { DirectoryLock } from './directory-lock.ts';
import type { PgliteSession } from './pglite-session.ts';
import type { SyncGuard, SyncStatus } from './sync-guard.ts';
import type { TurnQueue } from './turn-queue.ts';

export interface PgliteParts {
  readonly engine: PGlite;
  readonly session: PgliteSession;
  readonly queue: TurnQueue;
  /** both null in memory */
  readonly guard: SyncGuard | null;
  readonly lock: DirectoryLock | null;
}

/** PostgreSQL inside this process: one session, so one statement or transaction at a time. */
export class PgliteDatabase implements Database, OwnedDatabase {
  /** A commit is in the operating system's hands when it returns, and not yet on the disk. */
  readonly durability = 'process-crash';
  readonly #parts: PgliteParts;
  readonly #guard = new TransactionGuard();

  constructor(parts: PgliteParts) {
    this.#parts = parts;
  }

  /** null in memory */
  get syncStatus(): SyncStatus | null {
    return this.#parts.guard?.status ?? null;
  }

  /** Statements and transactions that wait for their turn. */
  get waiting(): number {
    return this.#parts.queue.waiting;
  }

  async run<T>(scope: Scope, work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    this.#guard.assertOutside();
    const { queue, session } = this.#parts;
    const query = <Row>(statement: Statement, values?: readonly unknown[]): Promise<readonly Row[]> =>
      queue.run(async () => {
        await session.use(scope);
        return session.query<Row>(statement, values);
      });
    return work({ query });
  }

  async transaction<T>(scope: Scope, work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    this.#guard.assertOutside();
    const { queue, session } = this.#parts;
    return queue.run(async () => {
      await session.use(scope);
      await session.begin();
      const connection = new TransactionConnection(session);
      try {
        const result = await this.#guard.inside(() => work(connection));
        connection.close();
        await session.commit();
        return result;
      } catch (error) {
        connection.close();
        await session.rollback();
        throw error;
      }
    });
  }

  asOwner<T>(work: (session: OwnerSession) => Promise<T>): Promise<T> {
    const { queue, session } = this.#parts;
    return queue.run(async () => {
      await session.reset();
      try {
        return await work({
          query: (statement, values) => session.query(statement, values),
          execute: async (sql) => void (await session.execute(sql, 'owner session')),
        });
      } finally {
        await session.reset();
      }
    });
  }

  /** Makes the disk hold everything that was committed before the call. Does nothing in memory. */
  async sync(): Promise<void> {
    await this.#parts.guard?.sync();
  }

  /** A copy of the whole database as a tar file, which an in-memory database can start from. */
  dump(): Promise<Blob> {
    return this.#parts.queue.run(() => this.#parts.engine.dumpDataDir('none'));
  }

  async close(): Promise<void> {
    const { engine, queue, guard, lock } = this.#parts;
    await queue.close();
    if (engine.closed) return;
    try {
      await engine.close();
    } finally {
      await guard?.close();
      await lock?.release();
    }
  }
}

/** The session for as long as a transaction lasts; afterwards a statement would land in somebody else's. */
class TransactionConnection implements SqlConnection {
  readonly #session: PgliteSession;
  #open = true;

  constructor(session: PgliteSession) {
    this.#session = session;
  }

  close(): void {
    this.#open = false;
  }

  async query<Row>(statement: Statement, values?: readonly unknown[]): Promise<readonly Row[]> {
    if (!this.#open) throw new Error(`Statement ${statement.name} came after the end of its transaction.`);
    return this.#session.query<Row>(statement, values);
  }
}
