import type {
  Database,
  OwnedDatabase,
  OwnerSession,
  Scope,
  SqlConnection,
  Statement,
} from '../sql/connection.ts';
import { changesSomething, unknownCommit } from '../unknown-commit.ts';
import { TransactionGuard } from '../transaction-guard.ts';
import type { TurnQueue } from '../turn-queue.ts';
import type { DirectoryLock } from './directory-lock.ts';
import type { EngineHost } from './engine-host.ts';
import type { PgliteSession } from './pglite-session.ts';
import type { SyncGuard, SyncStatus } from './sync-guard.ts';

export interface PgliteParts {
  readonly host: EngineHost;
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
    const query = <Row>(statement: Statement, values?: readonly unknown[]): Promise<readonly Row[]> =>
      this.#inTurn(async (session) => {
        await session.use(scope);
        try {
          return await session.query<Row>(statement, values);
        } catch (error) {
          throw session.death && changesSomething(statement) ? unknownCommit(error) : error;
        }
      });
    return work({ query });
  }

  async transaction<T>(scope: Scope, work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    this.#guard.assertOutside();
    return this.#inTurn(async (session) => {
      await session.use(scope);
      await session.begin();
      const connection = new TransactionConnection(session);
      let result: T;
      try {
        result = await this.#guard.inside(() => work(connection));
      } catch (error) {
        if (!session.death) await session.rollback();
        throw error;
      } finally {
        connection.close();
      }
      try {
        await session.commit();
      } catch (error) {
        throw session.death ? unknownCommit(error) : error;
      }
      return result;
    });
  }

  asOwner<T>(work: (session: OwnerSession) => Promise<T>): Promise<T> {
    return this.#inTurn(async (session) => {
      await session.reset();
      try {
        return await work({
          query: (statement, values) => session.query(statement, values),
          execute: async (sql) => void (await session.execute(sql, 'owner session')),
        });
      } finally {
        if (!session.death) await session.reset();
      }
    });
  }

  /** Makes the disk hold everything that was committed before the call. Does nothing in memory. */
  async sync(): Promise<void> {
    await this.#parts.guard?.sync();
  }

  /** A copy of the whole database as a tar file, which an in-memory database can start from. */
  dump(): Promise<Blob> {
    return this.#parts.queue.run(() => this.#parts.host.engine.dumpDataDir('none'));
  }

  async close(): Promise<void> {
    const { host, queue, guard, lock } = this.#parts;
    await queue.close();
    try {
      await host.close();
    } finally {
      await guard?.close();
      await lock?.release();
    }
  }

  #inTurn<T>(work: (session: PgliteSession) => Promise<T>): Promise<T> {
    return this.#parts.queue.run(async () => work(await this.#parts.host.session()));
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
