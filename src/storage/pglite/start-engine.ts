import { PGlite, type PGliteOptions } from '@electric-sql/pglite';
import { invariant } from '../../lib/assert.ts';
import { EngineDiedError } from './engine-death.ts';
import type { TrackedFiles } from './tracked-files.ts';

export interface StartEngineOptions {
  /** null: in memory */
  readonly files: TrackedFiles | null;
  /** what a new database starts with, and the files of the engine; both only make tests fast */
  readonly preset?: Pick<PGliteOptions, 'loadDataDir' | 'fsBundle'> | undefined;
}

/**
 * Log segments are 1 MB instead of 16, so that an empty directory takes 24 MB and not 40. A checkpoint comes
 * after about 16 MB of log, which bounds both the disk that it takes (the default would be 1 GB) and the time
 * to start after `kill -9`. The two sizes are equal so that segments are used again and none is ever missing:
 * to find no room for a new one is a panic, whereas a table that cannot grow is an error of one statement.
 */
export const LOG_SIZE_MB = 32;
const settings = [`max_wal_size=${LOG_SIZE_MB}MB`, `min_wal_size=${LOG_SIZE_MB}MB`];

/** @throws EngineDiedError when the files do not make a database, or the disk is too full to recover it */
export async function startEngine({ files, preset }: StartEngineOptions): Promise<PGlite> {
  let lastWords = '';
  try {
    const engine = await PGlite.create({
      ...preset,
      ...(files && { fs: files }),
      initDbStartParams: ['--wal-segsize=1'],
      startParams: [...PGlite.defaultStartParams, ...settings.flatMap((setting) => ['-c', setting])],
      onStderr: (line) => {
        if (/\b(PANIC|FATAL): /.test(line)) lastWords = line.replace(/^.*?\b(PANIC|FATAL): +/, '');
        return false;
      },
    });
    stopWhenDead(engine, () => lastWords);
    return engine;
  } catch (error) {
    throw new EngineDiedError(`The embedded database could not start: ${lastWords || String(error)}`, {
      cause: error,
    });
  }
}

interface EngineModule {
  _PostgresMainLoopOnce(): void;
  stackRestore(pointer: number): void;
}

/** What PGlite throws through its main loop when PostgreSQL reports an ordinary error (`POSTGRES_MAIN_LONGJMP`). */
const ORDINARY_ERROR_STATUS = 100;

/**
 * PGlite swallows whatever leaves the main loop and calls it again, so that an engine that has aborted keeps the
 * process busy for ever (seen with 0.5.16 on a disk too full for the log). The one call inside its `catch` lets
 * us out.
 */
function stopWhenDead(engine: PGlite, lastWords: () => string): void {
  const module = engine.Module as unknown as EngineModule;
  const { _PostgresMainLoopOnce: loopOnce, stackRestore } = module;
  invariant(typeof loopOnce === 'function' && typeof stackRestore === 'function', 'PGlite has other insides');
  let death: EngineDiedError | null = null;
  module._PostgresMainLoopOnce = () => {
    if (death) throw death;
    try {
      loopOnce();
    } catch (error) {
      if (!isOrdinary(error)) death = new EngineDiedError(lastWords() || String(error), { cause: error });
      throw error;
    }
  };
  module.stackRestore = (pointer) => {
    if (death) throw death;
    stackRestore(pointer);
  };
}

function isOrdinary(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && 'status' in error && error.status === ORDINARY_ERROR_STATUS
  );
}
