import { open } from 'node:fs/promises';
import type { Clock, Instant, TimerHandle } from '../../lib/clock.ts';
import type { StorageLog } from '../storage-log.ts';
import type { DirtyPaths, TrackedFiles } from './tracked-files.ts';

export interface SyncStatus {
  /** when the disk last held everything that had been written until then; null before the first time */
  readonly lastSyncAt: Instant | null;
  readonly syncs: number;
  readonly failures: number;
  /** files and directories that wait for the next sync */
  readonly pending: number;
}

/**
 * Bounds what a power cut can take. PGlite runs with `fsync` off; this makes the disk hold what was written, a
 * moment later. It does not make a commit survive a power cut: between two syncs the operating system may write
 * a data page before the log that describes it, so the promise stays `process-crash`.
 */
export class SyncGuard {
  readonly #files: TrackedFiles;
  readonly #clock: Clock;
  readonly #log: StorageLog;
  readonly #delayMs: number;
  #timer: TimerHandle | null = null;
  #running: Promise<void> = Promise.resolve();
  #lastSyncAt: Instant | null = null;
  #syncs = 0;
  #failures = 0;

  /** `delayMs`: from the first change to the sync that covers it */
  constructor(files: TrackedFiles, options: { clock: Clock; log: StorageLog; delayMs: number }) {
    this.#files = files;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#delayMs = options.delayMs;
  }

  get status(): SyncStatus {
    const { syncs, failures } = { syncs: this.#syncs, failures: this.#failures };
    return { lastSyncAt: this.#lastSyncAt, syncs, failures, pending: this.#files.dirtyCount };
  }

  /** To be called when something was written for the first time since the last sync. */
  schedule(): void {
    this.#timer ??= this.#clock.after(this.#delayMs, () => void this.sync());
  }

  /** Syncs now. It never rejects: what failed is counted, logged and tried again with the next change. */
  sync(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#running = this.#running.then(() => this.#syncOnce());
    return this.#running;
  }

  /** A last sync, and no more afterwards. */
  async close(): Promise<void> {
    await this.sync();
    this.#timer?.cancel();
    this.#timer = null;
  }

  async #syncOnce(): Promise<void> {
    const taken = this.#files.take();
    const startedAt = this.#clock.now();
    try {
      await syncPaths(taken);
      this.#syncs++;
      this.#lastSyncAt = startedAt;
    } catch (error) {
      this.#failures++;
      this.#files.putBack(taken);
      this.#log.error({ error }, 'The database files could not be synced to the disk; it is tried again.');
    }
  }
}

/** The log first: a data page must not be on the disk before the record that describes it. */
async function syncPaths(paths: DirtyPaths): Promise<void> {
  const isLog = (file: string): boolean => /[\\/]pg_wal[\\/]/.test(file);
  const files = [...paths.files];
  for (const file of files.filter(isLog)) await syncPath(file);
  for (const file of files.filter((name) => !isLog(name))) await syncPath(file);
  // Windows cannot open a directory, and its file systems keep their own order there.
  if (process.platform === 'win32') return;
  for (const directory of paths.directories) await syncPath(directory);
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, process.platform === 'win32' ? 'r+' : 'r').catch(ignoreMissing);
  if (!handle) return;
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The file was removed after it was written. */
function ignoreMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
