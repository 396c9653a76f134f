import type { Patience } from '../patience.ts';

/**
 * The seam between our SQL, which is written once, and the two things that run it: a pool of PostgreSQL
 * connections, and PGlite, which is a pool of one.
 */

/** A statement with a name, so that a server can keep it prepared and a log can say which one was slow. */
export interface Statement {
  readonly name: string;
  /** PostgreSQL 15 syntax, `$1` parameters. No `now()`, no `random()`: time and randomness are inputs. */
  readonly text: string;
}

/** Declares a statement. Names are unique in the code base; a test says so. */
export function statement(name: string, text: string): Statement {
  return { name, text };
}

/**
 * Values are the same under both adapters.
 *
 * Results: `int8`, `int4`, `int2`, `float8` → number (an `int8` beyond 2^53 throws); `numeric` → string;
 * `timestamptz` → milliseconds since the epoch (`Instant`; microseconds are cut off); `bytea` → Buffer;
 * `boolean` → boolean; `json`, `jsonb` → parsed; arrays of these → arrays; everything else, `date` and `uuid`
 * included → the text that PostgreSQL prints. NULL → null.
 *
 * Parameters: string, number, bigint, boolean, null, Uint8Array (`bytea`), Date (`timestamptz`), and arrays of
 * these for `text[]` and the like. JSON is stringified by the caller. A number is no `timestamptz`: wrap it in
 * a Date. `undefined`, NaN and plain objects throw, because each of them was a mistake.
 */
export interface SqlConnection {
  query<Row>(statement: Statement, values?: readonly unknown[]): Promise<readonly Row[]>;
}

/**
 * As whom the statements run. `tenant`: role `maskline_app`, which row-level security confines to the rows of
 * that tenant. `system`: role `maskline_system`, which sees all tenants; for background jobs and start-up only.
 */
export type Scope = { readonly kind: 'tenant'; readonly tenant: string } | { readonly kind: 'system' };

export const systemScope: Scope = { kind: 'system' };

export function tenantScope(tenant: string): Scope {
  return { kind: 'tenant', tenant };
}

export interface Database {
  /**
   * Runs statements one by one, each its own transaction and each waiting for its own turn, so that `work` may
   * wait for something else in between. A broken connection is `unavailable` after a statement that starts
   * with `select`, and `commit_unknown` after any other. @throws StorageError
   * @param patience default `prompt`; transactions are always patient
   */
  run<T>(scope: Scope, work: (connection: SqlConnection) => Promise<T>, patience?: Patience): Promise<T>;
  /**
   * Runs `work` in one READ COMMITTED transaction. After a deadlock or a serialization failure `work` runs
   * again, so it must have no effect outside the connection; in particular it may not ask the database again
   * other than through the connection that it was given, which throws. @throws StorageError
   */
  transaction<T>(scope: Scope, work: (connection: SqlConnection) => Promise<T>): Promise<T>;
  /** What a committed change survives; shown in `/readyz` and in the log at start. */
  readonly durability: 'power-loss' | 'process-crash';
  close(): Promise<void>;
}

/** A session as the role that logged in, which nothing confines. */
export interface OwnerSession extends SqlConnection {
  /** Runs several statements, separated by semicolons. Not for anything that holds a value. */
  execute(sql: string): Promise<void>;
}

/** What migrations run on. Nothing else asks for it. */
export interface OwnedDatabase {
  /** `work` has the session to itself; its settings are forgotten afterwards. @throws StorageError */
  asOwner<T>(work: (session: OwnerSession) => Promise<T>): Promise<T>;
}
