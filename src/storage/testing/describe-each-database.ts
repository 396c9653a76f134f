import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { systemRandom } from '../../lib/random.ts';
import { openPostgres } from '../postgres/open-postgres.ts';
import type { Database, OwnedDatabase } from '../sql/connection.ts';
import { openTestDatabase } from './open-test-database.ts';
import { openTestPostgres, type TestPostgres } from './open-test-postgres.ts';

export type TestDatabase = Database & OwnedDatabase;

export interface DescribeEachDatabaseOptions {
  /** default: the migrations of the product */
  readonly directory?: string;
}

let saidWhatIsLeftOut = false;

/**
 * Describes what every database must do, for PGlite always and for a PostgreSQL server when
 * MASKLINE_TEST_POSTGRES=1. `open` gives a fresh, migrated database, which is closed after the test.
 */
export function describeEachDatabase(
  name: string,
  tests: (open: () => Promise<TestDatabase>) => void,
  options: DescribeEachDatabaseOptions = {},
): void {
  describe(`${name} (PGlite)`, () => {
    tests(closedAfterEach(() => openTestDatabase(options)));
  });
  if (process.env.MASKLINE_TEST_POSTGRES !== '1') {
    if (!saidWhatIsLeftOut)
      console.info('Left out: PostgreSQL. Set MASKLINE_TEST_POSTGRES=1 to run these on it, too.');
    saidWhatIsLeftOut = true;
    return;
  }
  describe(`${name} (PostgreSQL)`, () => {
    let server: TestPostgres;
    beforeAll(async () => {
      server = await openTestPostgres();
    });
    afterAll(() => server?.stop());
    tests(
      closedAfterEach(async () => {
        const connectionString = await server.createDatabase(options.directory);
        // A machine that is busy with other tests may take its time to accept.
        return openPostgres({
          connectionString,
          connectTimeoutMs: 10_000,
          clock: systemClock,
          random: systemRandom,
        });
      }),
    );
  });
}

function closedAfterEach(open: () => Promise<TestDatabase>): () => Promise<TestDatabase> {
  const opened: TestDatabase[] = [];
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close();
  });
  return async () => {
    const database = await open();
    opened.push(database);
    return database;
  };
}
