import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { openPostgres } from '../../src/storage/postgres/open-postgres.ts';
import type { PostgresDatabase } from '../../src/storage/postgres/postgres-database.ts';
import { databaseUrl, runAsAdmin } from '../../src/storage/testing/open-test-postgres.ts';
import { startPostgresServer } from '../../src/storage/testing/postgres-server.ts';

const MIGRATIONS = fileURLToPath(new URL('../../src/storage/migrations/', import.meta.url));

/** As in production: a call that was answered is on the disk. */
const SETTINGS = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '2GB',
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
};
/** A fill of 250,000 rows takes seconds. */
const STATEMENT_TIMEOUT_MS = 300_000;

/** Runs `work` on a PostgreSQL server that is there for it alone, migrated, with its data in the temporary directory. */
export async function onPostgres<T>(work: (database: PostgresDatabase) => Promise<T>): Promise<T> {
  const server = await startPostgresServer(SETTINGS);
  try {
    await runAsAdmin(server.url, 'create database bench');
    const database = await openPostgres({
      connectionString: databaseUrl(server.url, 'bench'),
      connectTimeoutMs: 10_000,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      clock: systemClock,
      random: systemRandom,
    });
    try {
      await migrate(database, { directory: MIGRATIONS, clock: systemClock });
      return await work(database);
    } finally {
      await database.close();
    }
  } finally {
    await server.stop();
  }
}
