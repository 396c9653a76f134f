import type { PGlite } from '@electric-sql/pglite';
import type { Clock, Instant } from '../../lib/clock.ts';
import { sessionSql } from '../confinement.ts';
import type { StorageLog } from '../storage-log.ts';
import { diedError, EngineDiedError } from './engine-death.ts';
import { PgliteSession } from './pglite-session.ts';

export interface EngineHostOptions {
  readonly clock: Clock;
  readonly log: StorageLog;
  /** called for the first engine and, unless it lives in memory, for each that takes the place of a dead one */
  readonly start: () => Promise<PGlite>;
  readonly inMemory: boolean;
}

const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 15_000;

/**
 * Keeps one engine running. When it dies, mostly because the disk is full, the next statement starts another on
 * the same files, which recovers what was committed; while that fails it is tried again at longer intervals.
 */
export class EngineHost {
  readonly #options: EngineHostOptions;
  #engine: PGlite;
  #session: PgliteSession;
  #retryAt: Instant = 0;
  #retryDelayMs = FIRST_RETRY_MS;

  private constructor(options: EngineHostOptions, engine: PGlite, session: PgliteSession) {
    this.#options = options;
    this.#engine = engine;
    this.#session = session;
  }

  static async open(options: EngineHostOptions): Promise<EngineHost> {
    const engine = await options.start();
    return new EngineHost(options, engine, await openSession(engine));
  }

  get engine(): PGlite {
    return this.#engine;
  }

  /** The session of the living engine. @throws StorageError when it is dead and cannot be started again yet */
  async session(): Promise<PgliteSession> {
    if (this.#session.death) await this.#restart(this.#session.death);
    return this.#session;
  }

  async close(): Promise<void> {
    if (this.#engine.closed) return;
    if (this.#session.death) letGoOfFiles(this.#engine);
    else await this.#engine.close();
  }

  async #restart(death: EngineDiedError): Promise<void> {
    const { clock, log, start, inMemory } = this.#options;
    if (inMemory || clock.now() < this.#retryAt) throw diedError(death);
    letGoOfFiles(this.#engine);
    try {
      this.#engine = await start();
      this.#session = await openSession(this.#engine);
      this.#retryDelayMs = FIRST_RETRY_MS;
      log.warn({ cause: death.message }, 'The embedded database had stopped and was started again.');
    } catch (error) {
      this.#retryAt = clock.now() + this.#retryDelayMs;
      this.#retryDelayMs = Math.min(MAX_RETRY_MS, this.#retryDelayMs * 2);
      if (!(error instanceof EngineDiedError)) throw error;
      log.error({ cause: error.message, retryAt: this.#retryAt }, 'The embedded database cannot start.');
      throw diedError(error);
    }
  }
}

async function openSession(engine: PGlite): Promise<PgliteSession> {
  const session = new PgliteSession(engine);
  await session.execute(sessionSql(), 'session settings');
  return session;
}

/** A dead engine cannot be closed, and would keep its file descriptors until the process ends. */
function letGoOfFiles(engine: PGlite): void {
  const files = engine.Module.FS as unknown as {
    readonly streams: readonly (object | null | undefined)[];
    close(stream: object): void;
  };
  for (const stream of files.streams) {
    try {
      if (stream) files.close(stream);
    } catch {
      // Nothing is lost: the engine that this belonged to is gone.
    }
  }
}
