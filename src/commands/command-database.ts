import type { CommandConfig } from '../config.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { openPostgres } from '../storage/postgres/open-postgres.ts';
import type { PostgresDatabase } from '../storage/postgres/postgres-database.ts';

/** Opens the database of a service for one command, with few connections, and closes it whatever happens. */
export async function withCommandDatabase<T>(
  config: CommandConfig,
  work: (database: PostgresDatabase) => Promise<T>,
): Promise<T> {
  const database = await openPostgres({
    connectionString: config.databaseUrl,
    poolSize: 2,
    // Nobody waits on the line: what counts all rows, as `keys status` does, may take longer than an answer may.
    statementTimeoutMs: 60_000,
    applicationName: 'maskline-command',
    transactionPooler: config.service.transactionPooler,
    clock: systemClock,
    random: systemRandom,
  });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
