import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { PGlite, PGliteOptions } from '@electric-sql/pglite';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { silentLog, type StorageLog } from '../storage-log.ts';
import { TurnQueue } from '../turn-queue.ts';
import { lockDirectory } from './directory-lock.ts';
import { EngineHost } from './engine-host.ts';
import { PgliteDatabase } from './pglite-database.ts';
import { LOG_SIZE_MB, startEngine } from './start-engine.ts';
import { SyncGuard } from './sync-guard.ts';
import { TrackedFiles } from './tracked-files.ts';

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
  /** what a new database starts with, instead of one made from nothing; it only makes tests fast */
  readonly preset?: Pick<PGliteOptions, 'loadDataDir' | 'fsBundle'>;
}

/**
 * PGlite answers within the call, without ever going back to the event loop. A busy queue would keep timers and
 * sockets waiting until it is empty, so they have their turn this often: after about 3 ms of work.
 */
const TURNS_BETWEEN_PAUSES = 32;

/**
 * Opens the embedded database. It is empty until `migrate` has run on it, and refuses both scopes until then.
 * @throws DirectoryLockedError when another process has it open
 */
export async function openPglite(options: OpenPgliteOptions): Promise<PgliteDatabase> {
  const { clock, dataDir, log = silentLog } = options;
  const queue = new TurnQueue({
    clock,
    turns: 1,
    pauseEvery: TURNS_BETWEEN_PAUSES,
    maxWaiting: options.maxWaiting ?? 10_000,
    timeoutMs: options.acquireTimeoutMs ?? 5_000,
  });
  if (dataDir === null) {
    const start = (): Promise<PGlite> => startEngine({ files: null, preset: options.preset });
    const host = await EngineHost.open({ clock, log, start, inMemory: true });
    return new PgliteDatabase({ host, queue, guard: null, lock: null });
  }
  // Other processes are not part of any simulation, so its clock has no say here.
  const lock = await lockDirectory(dataDir, systemClock);
  try {
    await discardHalfMade(dataDir);
    const files = new TrackedFiles(path.join(dataDir, 'pgdata'), () => guard.schedule());
    const guard: SyncGuard = new SyncGuard(files, { clock, log, delayMs: options.syncDelayMs ?? 1_000 });
    const start = (): Promise<PGlite> => {
      return startEngine({ files, preset: isDatabase(dataDir) ? undefined : options.preset });
    };
    const host = await makeWhole(dataDir, () => EngineHost.open({ clock, log, start, inMemory: false }));
    return new PgliteDatabase({ host, queue, guard, lock });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** It exists while a new database is being copied into its directory, which takes a second. */
const CREATING = 'creating';

/** A process that was killed in that second leaves a directory that looks like a database and is none. */
async function discardHalfMade(dataDir: string): Promise<void> {
  if (!existsSync(path.join(dataDir, CREATING))) return;
  await rm(path.join(dataDir, 'pgdata'), { recursive: true, force: true });
}

function isDatabase(dataDir: string): boolean {
  return existsSync(path.join(dataDir, 'pgdata', 'PG_VERSION'));
}

async function makeWhole(dataDir: string, open: () => Promise<EngineHost>): Promise<EngineHost> {
  const marker = path.join(dataDir, CREATING);
  const isNew = !isDatabase(dataDir);
  if (isNew) await writeFile(marker, '');
  const host = await open();
  if (isNew) {
    await makeLogSegments(host);
    await rm(marker, { force: true });
  }
  return host;
}

/** Fills the log once, so that from the start there are segments to use again; see `startEngine`. */
async function makeLogSegments(host: EngineHost): Promise<void> {
  const session = await host.session();
  for (let i = 0; i < LOG_SIZE_MB; i++) {
    // An empty segment is not left, so something has to be in it.
    await session.execute("select pg_logical_emit_message(false, 'maskline', '')", 'log segments');
    await session.execute('select pg_switch_wal()', 'log segments');
  }
  await session.execute('checkpoint', 'log segments');
}
