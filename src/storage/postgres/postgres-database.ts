import { backoffDelayMs } from '../../lib/backoff.ts';
import { pause } from '../../lib/clock.ts';
import { isConflict } from '../database-error.ts';
import type {
  Database,
  OwnedDatabase,
  OwnerSession,
  Scope,
  SqlConnection,
  Statement,
} from '../sql/connection.ts';
import type { Patience } from '../patience.ts';
import { StorageError } from '../storage-error.ts';
import { TransactionGuard } from '../transaction-guard.ts';
import { changesSomething, unknownCommit } from '../unknown-commit.ts';
import type { ConnectionSource } from './connection-source.ts';
import type { PostgresSettings } from './postgres-options.ts';
import type { PostgresSession } from './postgres-session.ts';

const MAX_CONFLICT_RETRIES = 5;
/** Each takes a fresh connection, so that a restarted server is not felt. */
const MAX_BROKEN_RETRIES = 3;
const RETRY_DELAY = { firstDelayMs: 5, maxDelayMs: 200 };

/** A pool of connections to a PostgreSQL server. */
export class PostgresDatabase implements Database, OwnedDatabase {
  readonly #source: ConnectionSource;
  readonly #settings: PostgresSettings;
  readonly #guard = new TransactionGuard();

  constructor(source: ConnectionSource, settings: PostgresSettings) {
    this.#source = source;
    this.#settings = settings;
  }

  /** What the settings of the server promise; with `fsync` off it is no more than PGlite promises. */
  get durability(): Database['durability'] {
    return this.#source.syncs ? 'power-loss' : 'process-crash';
  }

  get status(): ConnectionSource['status'] {
    return this.#source.status;
  }

  async run<T>(
    scope: Scope,
    work: (connection: SqlConnection) => Promise<T>,
    patience?: Patience,
  ): Promise<T> {
    this.#guard.assertOutside();
    const query = <Row>(statement: Statement, values?: readonly unknown[]): Promise<readonly Row[]> =>
      this.#retry(
        (attempt) =>
          patience === 'patient'
            ? this.#source.useForLong({ scope, statement }, attempt)
            : this.#source.use({ scope, statement }, attempt),
        (session) => this.#runOne<Row>(session, scope, statement, values),
      );
    return work({ query });
  }

  async transaction<T>(scope: Scope, work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    this.#guard.assertOutside();
    return this.#retry(
      (attempt) => this.#source.useForLong({ scope, statement: null }, attempt),
      (session) => this.#transact(session, scope, work),
    );
  }

  async asOwner<T>(work: (session: OwnerSession) => Promise<T>): Promise<T> {
    const session = await this.#source.connectAlone();
    try {
      return await work({
        query: (statement, values) => session.query(statement, values),
        execute: async (sql) => void (await session.execute(sql, 'owner session')),
      });
    } finally {
      session.abort();
    }
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  async #runOne<Row>(
    session: PostgresSession,
    scope: Scope,
    statement: Statement,
    values?: readonly unknown[],
  ): Promise<readonly Row[]> {
    if (this.#settings.transactionPooler) {
      return this.#transact(session, scope, (connection) => connection.query<Row>(statement, values));
    }
    await session.use(scope);
    try {
      return await session.query<Row>(statement, values);
    } catch (error) {
      throw session.broken && changesSomething(statement) ? unknownCommit(error) : error;
    }
  }

  async #transact<T>(
    session: PostgresSession,
    scope: Scope,
    work: (connection: SqlConnection) => Promise<T>,
  ): Promise<T> {
    let open = true;
    const connection: SqlConnection = {
      async query(statement, values) {
        if (!open) throw new Error(`Statement ${statement.name} came after the end of its transaction.`);
        return session.query(statement, values);
      },
    };
    try {
      await session.begin(scope);
      const result = await this.#guard.inside(() => work(connection));
      open = false;
      const watch = this.#watchCommit();
      await session.commit().finally(() => watch.cancel());
      return result;
    } catch (error) {
      open = false;
      // Whatever keeps it from being rolled back: the session is closed, which is a rollback as well. Left open, what
      // it did so far, such as the inbox row of an event, would be committed with whatever comes next.
      if (!session.broken) await session.rollback().catch(() => session.abort());
      throw error;
    }
  }

  /** A COMMIT may rightly wait for a standby, so silence is no proof; but then the way to the server is tested. */
  #watchCommit(): { cancel(): void } {
    const { clock, statementTimeoutMs } = this.#settings;
    return clock.after(statementTimeoutMs, () => this.#source.check());
  }

  async #retry<T>(
    lend: (attempt: (session: PostgresSession) => Promise<T>) => Promise<T>,
    attempt: (session: PostgresSession) => Promise<T>,
  ): Promise<T> {
    const { clock, random } = this.#settings;
    let conflicts = 0;
    let breaks = 0;
    for (;;) {
      let lost = false;
      try {
        return await lend((session) => attempt(session).finally(() => (lost = session.broken)));
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        if (isConflict(error) && conflicts < MAX_CONFLICT_RETRIES) {
          await pause(clock, backoffDelayMs(conflicts++, RETRY_DELAY, random));
        } else if (lost && error.code === 'unavailable' && breaks < MAX_BROKEN_RETRIES) {
          breaks++;
        } else {
          throw error;
        }
      }
    }
  }
}
