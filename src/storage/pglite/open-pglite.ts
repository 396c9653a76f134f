import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PGlite, type PGliteOptions } from '@electric-sql/pglite';
import type { Clock } from '../../lib/clock.ts';
import { sessionSettings } from '../confinement.ts';
import { silentLog, type StorageLog } from '../storage-log.ts';
import { lockDirectory } from './directory-lock.ts';
import { PgliteDatabase } from './pglite-database.ts';
import { PgliteSession } from './pglite-session.ts';
import { SyncGuard } from './sync-guard.ts';
import { TrackedFiles } from './tracked-files.ts';
import { TurnQueue } from './turn-queue.ts';

export interface OpenPgliteOptions {
  /** a directory of its own, made when missing; null: in memory, gone with the process */
  readonly dataDir: string | null;
  readonly clock: Clock;
  readonly log?: StorageLog;
  /** from a write to the sync that covers it; default 1,000 ms */
  readonly syncDelayMs?: number;
  /** default 10,000 */
  readonly maxWaiting?: number;
  /** how long a statement or transaction waits for its turn at most; default 5,000 ms */
  readonly acquireTimeoutMs?: number;
  /** what an in-memory database starts with; it only makes tests fast */
  readonly engine?: Pick<PGliteOptions, 'loadDataDir' | 'fsBundle'>;
}

/**
 * Opens the embedded database. It is empty until `migrate` has run on it, and refuses both scopes until then.
 * @throws DirectoryLockedError when another process has it open
 */
export async function openPglite(options: OpenPgliteOptions): Promise<PgliteDatabase> {
  const { clock, dataDir, log = silentLog } = options;
  const queue = new TurnQueue({
    clock,
    maxWaiting: options.maxWaiting ?? 10_000,
    timeoutMs: options.acquireTimeoutMs ?? 5_000,
  });
  if (dataDir === null) {
    const engine = await PGlite.create({ ...engineOptions, ...options.engine });
    return new PgliteDatabase({ engine, session: await openSession(engine), queue, guard: null, lock: null });
  }
  const lock = await lockDirectory(dataDir, clock);
  try {
    await discardHalfMade(dataDir);
    const files = new TrackedFiles(path.join(dataDir, 'pgdata'), () => guard.schedule());
    const guard: SyncGuard = new SyncGuard(files, { clock, log, delayMs: options.syncDelayMs ?? 1_000 });
    const engine = await makeWhole(dataDir, () =>
      PGlite.create({ ...engineOptions, ...options.engine, fs: files }),
    );
    return new PgliteDatabase({ engine, session: await openSession(engine), queue, guard, lock });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

// Log segments of 1 MB instead of 16: the directory starts at 24 MB, not 40, and is made in less time.
const engineOptions: PGliteOptions = { initDbStartParams: ['--wal-segsize=1'] };

/** It exists while a new database is being copied into its directory, which takes a second. */
const CREATING = 'creating';

/** A process that was killed in that second leaves a directory that looks like a database and is none. */
async function discardHalfMade(dataDir: string): Promise<void> {
  if (!existsSync(path.join(dataDir, CREATING))) return;
  await rm(path.join(dataDir, 'pgdata'), { recursive: true, force: true });
}

async function makeWhole(dataDir: string, create: () => Promise<PGlite>): Promise<PGlite> {
  const marker = path.join(dataDir, CREATING);
  if (!existsSync(path.join(dataDir, 'pgdata', 'PG_VERSION'))) await writeFile(marker, '');
  const engine = await create();
  await rm(marker, { force: true });
  return engine;
}

async function openSession(engine: PGlite): Promise<PgliteSession> {
  const session = new PgliteSession(engine);
  await session.execute(sessionSettings, 'session settings');
  return session;
}
