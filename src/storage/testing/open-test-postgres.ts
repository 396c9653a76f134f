import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { systemClock } from '../../lib/clock.ts';
import { systemRandom } from '../../lib/random.ts';
import { migrate } from '../migrate.ts';
import { openPostgres } from '../postgres/open-postgres.ts';
import { productMigrations } from './open-test-database.ts';
import { type PostgresServer, startPostgresServer } from './postgres-server.ts';

export interface TestPostgres {
  /** of the superuser, to the database `postgres` */
  readonly adminUrl: string;
  /** Makes a migrated database for one test, in about 50 ms. @returns its URL */
  createDatabase(directory?: string): Promise<string>;
  /** Stops the server if this call of `openTestPostgres` started it. */
  stop(): Promise<void>;
}

/**
 * A PostgreSQL server for this test file: the one in MASKLINE_TEST_POSTGRES_URL (a superuser's URL, for example
 * of the oldest version that is supported), else one that is started here and stopped at the end.
 */
export async function openTestPostgres(): Promise<TestPostgres> {
  const given = process.env.MASKLINE_TEST_POSTGRES_URL;
  const server: PostgresServer | null = given ? null : await startPostgresServer();
  const adminUrl = given ?? server?.url ?? '';
  const templates = new Map<string, Promise<string>>();
  const made: string[] = [];
  const createEmpty = async (template: string): Promise<string> => {
    const name = `test_${randomBytes(6).toString('hex')}`;
    await runAsAdmin(adminUrl, `create database ${name} template ${template}`);
    made.push(name);
    return name;
  };
  return {
    adminUrl,
    async createDatabase(directory = productMigrations) {
      let template = templates.get(directory);
      if (!template) {
        template = createEmpty('template0').then(async (name) => {
          await migrateDatabase(databaseUrl(adminUrl, name), directory);
          return name;
        });
        templates.set(directory, template);
      }
      return databaseUrl(adminUrl, await createEmpty(await template));
    },
    async stop() {
      // On a server that goes on, the databases would pile up.
      if (!server)
        for (const name of made) await runAsAdmin(adminUrl, `drop database if exists ${name} with (force)`);
      await server?.stop();
    },
  };
}

/** The same server and login, another database. */
export function databaseUrl(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

/** Runs one statement as the superuser, outside of any pool. */
export async function runAsAdmin<Row>(url: string, sql: string): Promise<readonly Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const result = await client.query(sql);
    return result.rows as Row[];
  } finally {
    await client.end();
  }
}

async function migrateDatabase(connectionString: string, directory: string): Promise<void> {
  const database = await openPostgres({
    connectionString,
    connectTimeoutMs: 10_000,
    clock: systemClock,
    random: systemRandom,
    poolSize: 1,
  });
  await migrate(database, { directory, clock: systemClock });
  await database.close();
}
