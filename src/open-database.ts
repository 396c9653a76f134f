import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { awaitDatabase } from './await-database.ts';
import type { ServiceConfig } from './config.ts';
import type { Clock } from './lib/clock.ts';
import type { Random } from './lib/random.ts';
import type { Log } from './observe/log.ts';
import type { Database, OwnedDatabase } from './storage/sql/connection.ts';

export const MIGRATIONS_DIRECTORY = fileURLToPath(new URL('./storage/migrations/', import.meta.url));

/** PostgreSQL when there is a DATABASE_URL, else the embedded database in `embeddedDirectory`. */
export async function openDatabase(options: {
  readonly config: Pick<
    ServiceConfig,
    'databaseUrl' | 'databasePoolSize' | 'databaseWaitSeconds' | 'transactionPooler'
  >;
  /** null keeps the embedded database in memory */
  readonly embeddedDirectory: string | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}): Promise<Database & OwnedDatabase> {
  const { config, clock, random, log, embeddedDirectory } = options;
  // Loaded when it is the one: the other's engine would only take memory.
  if (config.databaseUrl === null) {
    const { openPglite } = await import('./storage/pglite/open-pglite.ts');
    return openPglite({ dataDir: embeddedDirectory && path.join(embeddedDirectory, 'database'), clock, log });
  }
  const { openPostgres } = await import('./storage/postgres/open-postgres.ts');
  const settings = {
    connectionString: config.databaseUrl,
    poolSize: config.databasePoolSize,
    transactionPooler: config.transactionPooler,
    clock,
    random,
    log,
  };
  const limitMs = 1_000 * config.databaseWaitSeconds;
  return awaitDatabase(() => openPostgres(settings), { limitMs, clock, random, log });
}
