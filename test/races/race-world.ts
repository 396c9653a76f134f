import { createWorld, type World, type WorldOptions } from '../../src/app/testing/world.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { openPostgres } from '../../src/storage/postgres/open-postgres.ts';
import { runAsAdmin, type TestPostgres } from '../../src/storage/testing/open-test-postgres.ts';
import { checkInvariants } from '../property/invariants.ts';

const CONNECTIONS = 64;

export interface RaceWorld extends World {
  /** How many deadlocks the server has broken up in this database, whether or not anybody noticed. */
  deadlocks(): Promise<number>;
  check(): Promise<void>;
  close(): Promise<void>;
}

/** The use cases on a database of their own at a real server, with 64 connections that truly run at once. */
export async function openRaceWorld(
  server: TestPostgres,
  options: Omit<WorldOptions, 'database'>,
): Promise<RaceWorld> {
  const connectionString = await server.createDatabase();
  const database = await openPostgres({
    connectionString,
    poolSize: CONNECTIONS,
    // A race is meant to make them wait for each other, on a machine that may be busy with other things.
    statementTimeoutMs: 60_000,
    acquireTimeoutMs: 120_000,
    connectTimeoutMs: 10_000,
    clock: systemClock,
    random: systemRandom,
  });
  const world = await createWorld({ ...options, database });
  return {
    ...world,
    async deadlocks() {
      const sql = 'select deadlocks::int from pg_stat_database where datname = current_database()';
      // Sessions hand their counts in when they are idle, within a second.
      await runAsAdmin(connectionString, 'select pg_stat_force_next_flush()').catch(() => []);
      const [row] = await runAsAdmin<{ deadlocks: number }>(connectionString, sql);
      return row?.deadlocks ?? 0;
    },
    check: () => checkInvariants(database, world.tenant, world.clock.now()),
    close: () => database.close(),
  };
}
