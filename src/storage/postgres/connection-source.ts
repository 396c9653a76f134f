import pg, { type PoolClient } from 'pg';
import { backoffDelayMs } from '../../lib/backoff.ts';
import { pause } from '../../lib/clock.ts';
import { columnParser } from '../column-values.ts';
import { isServerError } from '../database-error.ts';
import { StorageError } from '../storage-error.ts';
import { TurnQueue } from '../turn-queue.ts';
import { parseConnectionTargets, targetLabel } from './connection-targets.ts';
import type { PostgresSettings } from './postgres-options.ts';
import { PostgresSession } from './postgres-session.ts';

/** A pool of connections to the one host that took writes when it was last looked for. */
interface HostPool {
  readonly url: string;
  readonly pool: pg.Pool;
  /** every open session */
  readonly sessions: Map<PoolClient, PostgresSession>;
  readonly inUse: Set<PostgresSession>;
}

interface Verdict {
  /** `refused`: the server answered, but lets nobody in just now; sessions that it has may well go on */
  readonly kind: 'usable' | 'refused' | 'standby' | 'unreachable';
  readonly reason: string;
}

/** A migration may hold one statement for long; past this the connection counts as dead. */
const OWNER_STATEMENT_LIMIT_MS = 3_600_000;
const FIRST_RETRY_MS = 50;
/** Together with the connect timeout this bounds how long a healed server stays unnoticed. */
const MAX_RETRY_MS = 1_000;

/**
 * Hands out sessions on whichever host takes writes. After a failure it looks for that host again, alone for all
 * who wait, and at growing intervals until it finds one.
 */
export class ConnectionSource {
  readonly #settings: PostgresSettings;
  readonly #urls: readonly string[];
  readonly #standbyAllowed: boolean;
  readonly #turns: TurnQueue;
  readonly #closing = new AbortController();
  #current: HostPool | null = null;
  #search: Promise<void> | null = null;
  #syncs = false;

  constructor(settings: PostgresSettings) {
    this.#settings = settings;
    const { urls, standbyAllowed } = parseConnectionTargets(settings.connectionString);
    this.#urls = urls;
    this.#standbyAllowed = standbyAllowed;
    const { clock, poolSize, maxWaiting, acquireTimeoutMs } = settings;
    this.#turns = new TurnQueue({ clock, turns: poolSize, maxWaiting, timeoutMs: acquireTimeoutMs });
  }

  /** How busy the pool is, for metrics. */
  get status(): { open: number; idle: number; waiting: number; host: string | null } {
    const pool = this.#current?.pool;
    return {
      open: pool?.totalCount ?? 0,
      idle: pool?.idleCount ?? 0,
      waiting: this.#turns.waiting,
      host: this.#current ? targetLabel(this.#current.url) : null,
    };
  }

  /** Whether the server, when it was last looked at, had a commit on its disk before it acknowledged it. */
  get syncs(): boolean {
    return this.#syncs;
  }

  /** Connects once. @throws Error that says why no host will do */
  async open(): Promise<void> {
    const failures = await this.#tryHosts();
    if (!this.#current)
      throw new StorageError('unavailable', `No database can be used: ${failures.join('; ')}`);
  }

  /** Lends a session for as long as `work` takes. @throws StorageError `unavailable` when there is none in time */
  use<T>(work: (session: PostgresSession) => Promise<T>): Promise<T> {
    return this.#turns.run(async () => {
      const { host, client, session } = await this.#checkOut();
      host.inUse.add(session);
      try {
        return await work(session);
      } finally {
        host.inUse.delete(session);
        client.release(session.broken);
        if (session.broken) this.#suspect(host, session.silent);
      }
    });
  }

  /** A connection of its own, outside the pool and its limits. The caller closes it with `abort`. */
  async connectAlone(): Promise<PostgresSession> {
    if (!this.#current) await this.#searchOnce();
    const url = this.#current?.url;
    if (url === undefined)
      throw new StorageError('unavailable', 'No database host takes writes at the moment.');
    const client = new pg.Client(this.#clientConfig(url));
    const session = new PostgresSession(client, {
      ...this.#settings,
      statementTimeoutMs: OWNER_STATEMENT_LIMIT_MS,
    });
    try {
      await client.connect();
      await session.prepare();
    } catch (error) {
      session.abort();
      throw new StorageError('unavailable', `The database cannot be reached: ${reasonOf(error)}`);
    }
    return session;
  }

  /** Tests the way to the current host; when it is gone, everything that waits on it is told. */
  check(): void {
    if (this.#current) this.#suspect(this.#current, false);
  }

  async close(): Promise<void> {
    await this.#turns.close();
    this.#closing.abort();
    await this.#search;
    if (this.#current) this.#leave(this.#current);
  }

  async #checkOut(): Promise<{ host: HostPool; client: PoolClient; session: PostgresSession }> {
    const deadline = this.#settings.clock.now() + this.#settings.acquireTimeoutMs;
    for (;;) {
      const host = this.#current ?? (await this.#waitForHost(deadline));
      try {
        const client = await host.pool.connect();
        const session = host.sessions.get(client);
        if (session && !session.broken) return { host, client, session };
        client.release(true);
      } catch (error) {
        this.#suspect(host, false);
        await this.#waitForHost(deadline, error);
      }
    }
  }

  async #waitForHost(deadline: number, cause?: unknown): Promise<HostPool> {
    const { clock } = this.#settings;
    const remaining = deadline - clock.now();
    if (remaining > 0) {
      const enough = new AbortController();
      const search = this.#searchOnce().then(() => enough.abort());
      await Promise.race([search, pause(clock, remaining, enough.signal)]);
      enough.abort();
    }
    if (this.#current && clock.now() < deadline) return this.#current;
    throw new StorageError('unavailable', 'The database cannot be reached.', { cause });
  }

  /** One search at a time, whoever asks; it goes on until it finds a host or the source closes. */
  #searchOnce(): Promise<void> {
    this.#search ??= this.#searchUntilFound().finally(() => {
      this.#search = null;
    });
    return this.#search;
  }

  async #searchUntilFound(): Promise<void> {
    const { clock, random, log } = this.#settings;
    for (let attempt = 0; !this.#closing.signal.aborted; attempt++) {
      const before = this.#current;
      const failures = await this.#tryHosts();
      if (failures.length < this.#urls.length) {
        if (attempt > 0 || before?.url !== this.#current?.url)
          log.info(this.status, 'The database is reachable.');
        return;
      }
      if (attempt === 0) log.warn({ failures }, 'The database cannot be reached; it is tried again.');
      const delayMs = backoffDelayMs(
        attempt,
        { firstDelayMs: FIRST_RETRY_MS, maxDelayMs: MAX_RETRY_MS },
        random,
      );
      await pause(clock, delayMs, this.#closing.signal);
    }
  }

  /**
   * Something on the way to this host broke. When it went silent without a word, the idle connections may be as
   * dead as that one, and are replaced even if the host itself answers.
   */
  #suspect(host: HostPool, silent: boolean): void {
    if (host !== this.#current) return;
    if (silent) {
      this.#current = this.#createPool(host.url);
      this.#retire(host);
    }
    void this.#searchOnce();
  }

  /** Tries the hosts in order, the current one first. @returns why each of them would not do */
  async #tryHosts(): Promise<readonly string[]> {
    const current = this.#current;
    const others = this.#urls.filter((url) => url !== current?.url);
    const failures: string[] = [];
    for (const url of current ? [current.url, ...others] : others) {
      const { kind, reason } = await this.#probe(url);
      if (kind === 'usable') {
        if (current?.url !== url) this.#moveTo(url);
        return failures;
      }
      failures.push(`${targetLabel(url)}: ${reason}`);
      if (url === current?.url && kind !== 'refused') this.#leave(current);
    }
    return failures;
  }

  #moveTo(url: string): void {
    if (this.#current) this.#retire(this.#current);
    this.#current = this.#closing.signal.aborted ? null : this.#createPool(url);
  }

  /** Nothing that is on its way to a host that is gone will be answered. */
  #leave(host: HostPool): void {
    if (host === this.#current) this.#current = null;
    for (const session of host.inUse) session.abort();
    this.#retire(host);
  }

  /** Closes what is idle now, and what is in use when it comes back. */
  #retire({ pool, sessions, inUse }: HostPool): void {
    for (const session of sessions.values()) if (!inUse.has(session)) session.abort();
    if (!pool.ending) pool.end().catch(() => {});
  }

  async #probe(url: string): Promise<Verdict> {
    let session: PostgresSession | null = null;
    try {
      // A malformed URL throws here.
      const client = new pg.Client(this.#clientConfig(url));
      session = new PostgresSession(client, this.#settings);
      await client.connect();
      const { standby, syncs } = await session.prepare();
      if (standby && !this.#standbyAllowed) return { kind: 'standby', reason: 'takes no writes' };
      this.#syncs = syncs;
      return { kind: 'usable', reason: '' };
    } catch (error) {
      return { kind: isServerError(error) ? 'refused' : 'unreachable', reason: reasonOf(error) };
    } finally {
      session?.abort();
    }
  }

  #createPool(url: string): HostPool {
    const sessions = new Map<PoolClient, PostgresSession>();
    const pool = new pg.Pool({
      ...this.#clientConfig(url),
      max: this.#settings.poolSize,
      idleTimeoutMillis: this.#settings.idleTimeoutMs,
      onConnect: async (client) => {
        const opened = client as PoolClient;
        const session = new PostgresSession(opened, this.#settings);
        sessions.set(opened, session);
        const { standby } = await session.prepare();
        if (standby && !this.#standbyAllowed) throw new Error(`${targetLabel(url)} takes no writes`);
      },
    });
    pool.on('remove', (client) => sessions.delete(client));
    // An idle connection that the server ended; the pool has removed it already.
    pool.on('error', (error) => {
      this.#settings.log.warn({ reason: error.message }, 'An idle database connection was lost.');
    });
    return { url, pool, sessions, inUse: new Set() };
  }

  #clientConfig(url: string): pg.ClientConfig {
    const { applicationName, connectTimeoutMs } = this.#settings;
    return {
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 1_000,
      types: { getTypeParser: columnParser as NonNullable<pg.CustomTypesConfig['getTypeParser']> },
    };
  }
}

/** Without the cause, which may hold the connection string. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  return error instanceof Error ? error.message || error.name : String(error);
}
