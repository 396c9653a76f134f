import type { Database, Scope, SqlConnection, Statement } from '../../src/storage/sql/connection.ts';
import { StorageError } from '../../src/storage/storage-error.ts';
import { changesSomething } from '../../src/storage/unknown-commit.ts';
import { type ReplicaLife, ReplicaDied } from './replica-life.ts';
import { never } from './scheduler.ts';
import { StaleSearches } from './stale-searches.ts';

export interface CommitWatch {
  /** Reads, within the transaction, what it is about to commit. What it returns is called once it has. */
  beforeCommit(connection: SqlConnection): Promise<() => void>;
  /** a single statement has changed something */
  changed(): void;
}

/** What the observer looks at. Leases, inboxes and the outbox come and go without it. */
const WATCHED =
  /\b(?:insert into|update|delete from)\s+(?:session|participant|route|virtual_number|reference|intent|call)\b/i;
const watched = new Map<string, boolean>();

function isWatched({ name, text }: Statement): boolean {
  const known = watched.get(name) ?? WATCHED.test(text);
  watched.set(name, known);
  return known;
}

/**
 * The database as one replica sees it: gates before and after each statement and transaction, and everything
 * that can go wrong between a process and its database.
 */
export class FaultyDatabase implements Database {
  readonly durability = 'power-loss';
  readonly #inner: Database;
  readonly #life: ReplicaLife;
  readonly #watch: CommitWatch;
  readonly #searches: StaleSearches;

  constructor(inner: Database, life: ReplicaLife, watch: CommitWatch) {
    this.#inner = inner;
    this.#life = life;
    this.#watch = watch;
    this.#searches = new StaleSearches(life);
  }

  run<T>(scope: Scope, work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    return this.#inner.run(scope, (connection) =>
      work({ query: (statement, values) => this.#single(connection, statement, values) }),
    );
  }

  async transaction<T>(scope: Scope, work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    const life = this.#life;
    await this.#before('transaction', true);
    const abortAt = life.strikes('databaseAbort', 'transaction') ? life.draw(12) : -1;
    const dieAt = life.strikes('crash', 'in a transaction') ? life.draw(12) : -1;
    let statements = 0;
    let matters = false;
    let committed = (): void => {};
    const query = async <Row>(statement: Statement, values?: readonly unknown[]): Promise<readonly Row[]> => {
      if (statements === dieAt) life.die();
      if (!life.alive) throw new ReplicaDied();
      if (statements === abortAt) throw unavailable('the connection broke');
      statements++;
      matters ||= isWatched(statement);
      const rows = await connection_(statement, values);
      return rows as readonly Row[];
    };
    let connection_: (s: Statement, v?: readonly unknown[]) => Promise<readonly unknown[]> = never;
    let result: T;
    try {
      result = await this.#inner.transaction(scope, async (connection) => {
        connection_ = (s, v) => this.#searches.query(connection, s, v);
        const done = await work({ query });
        // A process that dies before COMMIT has committed nothing, wherever the lot has put its death.
        if (dieAt >= 0) life.die();
        if (!life.alive) throw new ReplicaDied();
        if (abortAt >= 0) throw unavailable('the connection broke before the commit');
        if (matters) committed = await this.#watch.beforeCommit(connection);
        return done;
      });
    } catch (error) {
      if (!life.alive) return never();
      await this.#after('transaction', false);
      throw error;
    }
    committed();
    await this.#after('transaction', true);
    return result;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #single<Row>(
    connection: SqlConnection,
    statement: Statement,
    values?: readonly unknown[],
  ): Promise<readonly Row[]> {
    const changes = changesSomething(statement);
    await this.#before(statement.name, changes);
    const rows = await connection.query<Row>(statement, values);
    if (changes && isWatched(statement)) this.#watch.changed();
    await this.#after(statement.name, changes);
    return rows;
  }

  async #before(point: string, changes: boolean): Promise<void> {
    const life = this.#life;
    await life.pass(`before ${point}`);
    await life.mayDie(`before ${point}`);
    if (life.weather.databaseDown) {
      life.struck++;
      throw unavailable('it is down');
    }
    if (changes && life.weather.databaseFull) {
      life.struck++;
      throw new StorageError('full', 'There is no room on the disk.');
    }
    if (life.strikes('databaseDrop', `before ${point}`)) throw unavailable('the connection is gone');
  }

  async #after(point: string, changed: boolean): Promise<void> {
    const life = this.#life;
    await life.mayDie(`after ${point}`);
    await life.pass(`after ${point}`);
    if (changed && life.strikes('databaseUnknown', `after ${point}`)) {
      throw new StorageError('commit_unknown', 'It is not known whether the change was committed.');
    }
  }
}

function unavailable(why: string): StorageError {
  return new StorageError('unavailable', `The database cannot be reached: ${why}.`);
}
