import type { Client, QueryResult } from 'pg';
import { invariant } from '../../lib/assert.ts';
import type { Clock } from '../../lib/clock.ts';
import { parameterValue } from '../column-values.ts';
import { scopeError, scopeKey, scopeSql, sessionSql } from '../confinement.ts';
import { endsSession, isConflict, isServerError, toStorageError } from '../database-error.ts';
import type { Scope, Statement } from '../sql/connection.ts';
import type { ServerHistory } from './newest-history.ts';
import { StorageError } from '../storage-error.ts';
import { unknownCommit } from '../unknown-commit.ts';
import {
  IDLE_IN_TRANSACTION_TIMEOUT_MS,
  type PostgresSettings,
  SILENCE_AFTER_STATEMENT_TIMEOUT_MS,
} from './postgres-options.ts';

/** PostgreSQL cuts longer names off, and `pg` refuses them. */
const MAX_NAME_BYTES = 63;
const PREPARE_ATTEMPTS = 3;
/** The control file has the new timeline only after a checkpoint; the name of the file that is written has it at once. */
const HISTORY = `select system_identifier::text as cluster,
    ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int as timeline from pg_control_system()`;

export interface ServerState {
  /** it takes no writes, being a standby or set to read only */
  readonly standby: boolean;
  /** an acknowledged commit is on the disk */
  readonly syncs: boolean;
}

/**
 * One connection and what is known about its session. Once `broken`, nothing but closing it makes sense.
 */
export class PostgresSession {
  readonly client: Client;
  readonly #settings: PostgresSettings;
  readonly #clock: Clock;
  #scope: Scope | null = null;
  /** the scope to go back to when the running transaction is rolled back, because a rollback undoes SET too */
  #scopeBefore: Scope | null = null;
  /** prepared statements by name */
  readonly #texts = new Map<string, string>();
  #broken = false;
  #silent = false;
  #onBroken: (reason: string) => void = () => {};

  constructor(client: Client, settings: PostgresSettings) {
    this.client = client;
    this.#settings = settings;
    this.#clock = settings.clock;
    // Without a listener, a socket that dies while the client is in use would end the process.
    client.on('error', (error) => this.#break(error.message));
    client.on('end', () => this.#break('closed'));
  }

  /** Called when it breaks, in place of what was to be called before. */
  whenBroken(listener: (reason: string) => void): void {
    this.#onBroken = listener;
  }

  /** Whether it broke because no answer came. */
  get silent(): boolean {
    return this.#silent;
  }

  get broken(): boolean {
    return this.#broken;
  }

  /** Ends the connection at once; whatever waits on it fails. */
  abort(): void {
    this.#broken = true;
    this.client.connection.stream.destroy();
  }

  /** Closes it in order, when nothing waits on it. */
  end(): void {
    if (!this.#broken) this.client.end().catch(() => this.abort());
    this.#broken = true;
  }

  /** Once for every new connection, in one round trip. */
  async prepare(): Promise<ServerState> {
    const { statementTimeoutMs, transactionPooler } = this.#settings;
    const settings = `${sessionSql()}; set statement_timeout = ${statementTimeoutMs};
      set idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_TIMEOUT_MS};
      select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off';`;
    const state = `select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as standby,
      current_setting('fsync') = 'on' and current_setting('synchronous_commit') <> 'off' as syncs`;
    const sql = transactionPooler ? state : settings + state;
    for (let attempt = 1; ; attempt++) {
      try {
        const [row] = ((await this.execute(sql, 'session settings')).at(-1)?.rows ?? []) as ServerState[];
        return { standby: row?.standby !== false, syncs: row?.syncs === true };
      } catch (error) {
        // Refused whole, in a session that goes on: cheaper asked again than in another.
        if (!isConflict(error) || attempt >= PREPARE_ATTEMPTS) throw error;
      }
    }
  }

  /** Which history the server writes; null where it does not say, as a standby. It never rejects. */
  async history(): Promise<ServerHistory | null> {
    try {
      const [result] = await this.execute(HISTORY, 'server history');
      return (result?.rows[0] as ServerHistory | undefined) ?? null;
    } catch {
      return null;
    }
  }

  /** For statements outside a transaction. */
  async use(scope: Scope): Promise<void> {
    if (this.isIn(scope)) return;
    this.#scope = null;
    try {
      await this.execute(scopeSql(scope), `scope ${scope.kind}`);
    } catch (error) {
      throw scopeError(error, scope);
    }
    this.#scope = scope;
  }

  /** Begins a transaction in that scope, in one round trip. */
  async begin(scope: Scope): Promise<void> {
    const { transactionPooler, statementTimeoutMs } = this.#settings;
    this.#scopeBefore = this.#scope;
    let sql = 'begin isolation level read committed';
    if (transactionPooler) {
      sql += `; ${sessionSql(true)}; set local statement_timeout = ${statementTimeoutMs}; ${scopeSql(scope, true)}`;
    } else if (!this.isIn(scope)) {
      // BEGIN takes the statements before it in the same message into the transaction.
      sql = `${scopeSql(scope)}; ${sql}`;
      this.#scope = null;
    }
    try {
      await this.execute(sql, 'begin');
    } catch (error) {
      throw scopeError(error, scope);
    }
    if (!transactionPooler) this.#scope = scope;
  }

  /**
   * @throws StorageError `commit_unknown` when the connection broke or went silent under it; anything else
   * means that the transaction was rolled back
   */
  async commit(): Promise<void> {
    // A cancelled COMMIT may still have committed here and be missing on the standby: so no limit of the server's.
    const results = await this.#send(
      () => this.client.query('set local statement_timeout = 0; commit') as unknown as Promise<QueryResult[]>,
      'commit',
      this.#settings.commitTimeoutMs,
    ).catch((error: unknown) => {
      throw this.#broken ? unknownCommit(error) : error;
    });
    if (results.at(-1)?.command === 'COMMIT') return;
    throw new StorageError('other', 'The transaction was rolled back, because a statement in it had failed.');
  }

  async rollback(): Promise<void> {
    this.#scope = null;
    await this.execute('rollback', 'rollback');
    this.#scope = this.#scopeBefore;
  }

  async query<Row>(statement: Statement, values: readonly unknown[] = []): Promise<readonly Row[]> {
    const config = {
      text: statement.text,
      values: values.map(parameterValue),
      ...(!this.#settings.transactionPooler && { name: this.#preparedName(statement) }),
    };
    const result = await this.#send(() => this.client.query(config), statement.name, this.#silenceMs());
    return result.rows as Row[];
  }

  /** Several statements without parameters in one message. */
  async execute(sql: string, where: string, limitMs = this.#silenceMs()): Promise<readonly QueryResult[]> {
    const result: unknown = await this.#send(() => this.client.query(sql), where, limitMs);
    return Array.isArray(result) ? (result as QueryResult[]) : [result as QueryResult];
  }

  #break(reason: string): void {
    this.#broken = true;
    this.#onBroken(reason);
  }

  /** Whether a statement of that scope needs nothing set before it. */
  isIn(scope: Scope): boolean {
    return this.#scope !== null && scopeKey(this.#scope) === scopeKey(scope);
  }

  /** Whether it has run the statement in this scope before: else it has to plan it, and read first what its tables are. */
  hasPlanned(statement: Statement): boolean {
    return this.#texts.has(this.#nameOf(statement));
  }

  #nameOf(statement: Statement): string {
    // A plan under row-level security is made for one role; two names spare it from being made anew at each turn.
    return `${this.#scope?.kind ?? 'owner'}:${statement.name}`;
  }

  #preparedName(statement: Statement): string {
    const name = this.#nameOf(statement);
    const text = this.#texts.get(name);
    invariant(text === undefined || text === statement.text, `two statements are called ${statement.name}`);
    if (text !== undefined) return name;
    invariant(
      Buffer.byteLength(name) <= MAX_NAME_BYTES,
      `the name of statement ${statement.name} is too long`,
    );
    this.#texts.set(name, statement.text);
    return name;
  }

  #silenceMs(): number {
    return this.#settings.statementTimeoutMs + SILENCE_AFTER_STATEMENT_TIMEOUT_MS;
  }

  async #send<T>(send: () => Promise<T>, where: string, limitMs: number): Promise<T> {
    if (this.#broken) throw new StorageError('unavailable', `${where}: the connection is closed`);
    let settled = false;
    const timer = this.#clock.after(limitMs, () => {
      // When it was this process that stood still, the answer may be waiting in the socket: it is read first.
      setImmediate(() => {
        if (settled) return;
        this.#silent = true;
        this.abort();
      });
    });
    try {
      return await send();
    } catch (error) {
      if (isServerError(error)) {
        if (endsSession(error)) this.abort();
        throw toStorageError(error, where);
      }
      // A mistake in the parameters never reached the wire; all the rest is the connection.
      if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError)
        throw error;
      this.abort();
      const reason = this.#silent
        ? `no answer within ${limitMs} ms`
        : error instanceof Error
          ? error.message
          : 'failed';
      throw new StorageError('unavailable', `${where}: ${reason}`, { cause: error });
    } finally {
      settled = true;
      timer.cancel();
    }
  }
}
