import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { silentLog, type StorageLog } from '../storage-log.ts';

export interface OpenPostgresOptions {
  /** a postgres:// URL; several hosts separated by commas are tried in order, see `parseConnectionTargets` */
  readonly connectionString: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: StorageLog;
  /** connections of this process; default 10 */
  readonly poolSize?: number;
  /** how the server lists our connections; default `maskline` */
  readonly applicationName?: string;
  /** default 1,000 ms for each host */
  readonly connectTimeoutMs?: number;
  /** the server cancels a statement after this time, but never a COMMIT; default 2,000 ms */
  readonly statementTimeoutMs?: number;
  /** how long a statement or transaction waits for a connection at most; default 3,000 ms */
  readonly acquireTimeoutMs?: number;
  /** a COMMIT may wait this long for a standby before its outcome counts as unknown; default 30,000 ms */
  readonly commitTimeoutMs?: number;
  /** default 10,000 */
  readonly maxWaiting?: number;
  /** a connection that nobody needs is closed after this time; default 60,000 ms */
  readonly idleTimeoutMs?: number;
  /**
   * Set it when a pooler such as PgBouncer in transaction mode stands in between: nothing is then kept in a
   * session, neither prepared statements nor the role, and every single statement becomes a transaction of
   * three round trips. Migrations need a URL that leads around the pooler. Default false.
   */
  readonly transactionPooler?: boolean;
}

export type PostgresSettings = Required<OpenPostgresOptions>;

export function withDefaults(options: OpenPostgresOptions): PostgresSettings {
  return {
    log: silentLog,
    poolSize: 10,
    applicationName: 'maskline',
    connectTimeoutMs: 1_000,
    statementTimeoutMs: 2_000,
    acquireTimeoutMs: 3_000,
    commitTimeoutMs: 30_000,
    maxWaiting: 10_000,
    idleTimeoutMs: 60_000,
    transactionPooler: false,
    ...options,
  };
}

/** Beyond the server's own limit: the server, or the way to it, has gone silent. Together within 3 s. */
export const SILENCE_AFTER_STATEMENT_TIMEOUT_MS = 500;
/** A transaction that does nothing for this long is ended by the server, with its locks: its owner is stuck. */
export const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
