import { backoffDelayMs } from '../../lib/backoff.ts';
import { pause } from '../../lib/clock.ts';
import type { Patience } from '../patience.ts';
import { StorageError } from '../storage-error.ts';
import { TurnQueue } from '../turn-queue.ts';
import { parseConnectionTargets, targetLabel } from './connection-targets.ts';
import { HostPool, type WantedSession } from './host-pool.ts';
import { NewestHistory } from './newest-history.ts';
import { openSession } from './open-session.ts';
import type { PostgresSettings } from './postgres-options.ts';
import type { PostgresSession } from './postgres-session.ts';
import { type HostVerdict, probeHost } from './probe-host.ts';

/** A migration may hold one statement for long; past this the connection counts as dead. */
const OWNER_STATEMENT_LIMIT_MS = 3_600_000;
/** Of the pool, for single statements alone: a call is decided by two of them, and must not wait behind a lock. */
const KEPT_FREE_SHARE = 0.25;
const FIRST_RETRY_MS = 50;
/**
 * Together with the connect timeout these bound how long a healed server stays unnoticed. A planned switch takes one to
 * two seconds and a failover some twenty, in which every pause is calls that find nothing; after that there is time.
 */
const MAX_RETRY_MS = { soon: 150, later: 1_000 };
const SOON_MS = 30_000;

/**
 * Hands out sessions on whichever host takes writes. After a failure it looks for that host again, alone for all
 * who wait, and at growing intervals until it finds one.
 */
export class ConnectionSource {
  readonly #settings: PostgresSettings;
  readonly #urls: readonly string[];
  readonly #standbyAllowed: boolean;
  readonly #turns: TurnQueue;
  /** Work that may wait for locks: it never has all connections, so that one statement of a call finds one. */
  readonly #patient: TurnQueue;
  readonly #closing = new AbortController();
  /** the connections to the host that took writes when it was last looked for */
  #current: HostPool | null = null;
  #search: Promise<void> | null = null;
  #syncs = false;
  readonly #newest = new NewestHistory();

  constructor(settings: PostgresSettings) {
    this.#settings = settings;
    const { urls, standbyAllowed } = parseConnectionTargets(settings.connectionString);
    this.#urls = urls;
    this.#standbyAllowed = standbyAllowed;
    const { clock, poolSize, maxWaiting, acquireTimeoutMs } = settings;
    this.#turns = new TurnQueue({ clock, turns: poolSize, maxWaiting, timeoutMs: acquireTimeoutMs });
    const patient = Math.max(1, poolSize - Math.ceil(poolSize * KEPT_FREE_SHARE));
    this.#patient = new TurnQueue({ clock, turns: patient, maxWaiting, timeoutMs: acquireTimeoutMs });
  }

  /** How busy the pool is, for metrics. */
  get status(): { open: number; idle: number; waiting: number; host: string | null } {
    const current = this.#current;
    return {
      open: current?.open ?? 0,
      idle: current?.idle ?? 0,
      waiting: this.#turns.waiting + this.#patient.waiting,
      host: current && targetLabel(current.url),
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
  use<T>(
    wanted: WantedSession,
    work: (session: PostgresSession) => Promise<T>,
    patience: Patience = 'prompt',
  ): Promise<T> {
    return this.#turns.run(async () => {
      const { host, session } = await this.#checkOut(wanted);
      try {
        return await work(session);
      } finally {
        host.giveBack(session);
        if (session.broken) this.#suspect(host, session.silent);
      }
    }, patience);
  }

  /** The same for work that may take its time: it is kept from taking every connection, and lets others go first. */
  useForLong<T>(wanted: WantedSession, work: (session: PostgresSession) => Promise<T>): Promise<T> {
    return this.#patient.run(() => this.use(wanted, work, 'patient'));
  }

  /** A connection of its own, outside the pool and its limits. The caller closes it with `abort`. */
  async connectAlone(): Promise<PostgresSession> {
    const settings = { ...this.#settings, statementTimeoutMs: OWNER_STATEMENT_LIMIT_MS };
    const deadline = settings.clock.now() + settings.acquireTimeoutMs;
    const { url } = this.#current ?? (await this.#waitForHost(deadline));
    const opening = await openSession(url, settings);
    if (opening.kind === 'open') return opening.session;
    throw new StorageError('unavailable', `The database cannot be reached: ${opening.reason}`);
  }

  /** Tests the way to the current host; when it is gone, everything that waits on it is told. */
  check(): void {
    if (this.#current) this.#suspect(this.#current, false);
  }

  async close(): Promise<void> {
    await this.#patient.close();
    await this.#turns.close();
    this.#closing.abort();
    await this.#search;
    this.#current?.abandon();
    this.#current = null;
  }

  async #checkOut(wanted: WantedSession): Promise<{ host: HostPool; session: PostgresSession }> {
    const deadline = this.#settings.clock.now() + this.#settings.acquireTimeoutMs;
    for (;;) {
      const host = this.#current ?? (await this.#waitForHost(deadline));
      try {
        return { host, session: await host.checkOut(wanted) };
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
    const since = clock.now();
    for (let attempt = 0; !this.#closing.signal.aborted; attempt++) {
      const before = this.#current;
      const failures = await this.#tryHosts();
      if (failures.length < this.#urls.length) {
        if (attempt > 0 || before?.url !== this.#current?.url)
          log.info(this.status, 'The database is reachable.');
        return;
      }
      if (attempt === 0) log.warn({ failures }, 'The database cannot be reached; it is tried again.');
      const maxDelayMs = clock.now() - since < SOON_MS ? MAX_RETRY_MS.soon : MAX_RETRY_MS.later;
      const delayMs = backoffDelayMs(attempt, { firstDelayMs: FIRST_RETRY_MS, maxDelayMs }, random);
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
      host.retire();
    }
    void this.#searchOnce();
  }

  /** Tries the hosts in order, the current one first. @returns why each of them would not do */
  async #tryHosts(): Promise<readonly string[]> {
    const current = this.#current;
    const others = this.#urls.filter((url) => url !== current?.url);
    const failures: string[] = [];
    for (const url of current ? [current.url, ...others] : others) {
      const verdict = await this.#look(url);
      if (verdict.kind === 'usable') {
        this.#syncs = verdict.syncs;
        if (current?.url !== url) this.#moveTo(url);
        this.#replenish(url, verdict.session);
        return failures;
      }
      failures.push(`${targetLabel(url)}: ${verdict.reason}`);
      if (url === current?.url && verdict.kind !== 'refused') {
        if (this.#current === current) this.#current = null;
        current.abandon();
      }
    }
    return failures;
  }

  /** Of several hosts one may have been replaced by another without knowing it. */
  async #look(url: string): Promise<HostVerdict> {
    const verdict = await probeHost(url, this.#settings, this.#standbyAllowed);
    if (verdict.kind !== 'usable' || this.#urls.length === 1 || this.#standbyAllowed) return verdict;
    const objection = this.#newest.objectionTo(await verdict.session.history());
    if (objection === null) return verdict;
    verdict.session.abort();
    return objection === 'replaced'
      ? { kind: 'standby', reason: 'another host has taken its place' }
      : { kind: 'refused', reason: 'does not say which history it writes' };
  }

  #replenish(url: string, session: PostgresSession): void {
    if (this.#current?.url === url) this.#current.replenish(session);
    else session.abort();
  }

  #moveTo(url: string): void {
    this.#current?.retire();
    this.#current = this.#closing.signal.aborted ? null : this.#createPool(url);
  }

  #createPool(url: string): HostPool {
    return new HostPool(url, this.#settings, this.#standbyAllowed);
  }
}
