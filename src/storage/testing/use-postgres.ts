import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { seededRandom } from '../../lib/random.ts';
import { openPostgres } from '../postgres/open-postgres.ts';
import type { PostgresDatabase } from '../postgres/postgres-database.ts';
import type { OpenPostgresOptions } from '../postgres/postgres-options.ts';
import { openTestPostgres, type TestPostgres } from './open-test-postgres.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export const ledgerMigrations = fileURLToPath(new URL('ledger-migrations/', import.meta.url));

export interface PostgresFixture {
  readonly server: TestPostgres;
  /** of this test's own database, by the superuser */
  readonly url: string;
  /** Closed after the test. */
  open(options?: Partial<OpenPostgresOptions>): Promise<PostgresDatabase>;
  /** A way to this test's database that can be broken. */
  proxied(): Promise<{ proxy: TcpProxy; proxyUrl: string }>;
}

/** For tests of what only a server does: a server for the file, and a database with the ledger for each test. */
export function usePostgres(): PostgresFixture {
  let server: TestPostgres;
  let url = '';
  const opened: (PostgresDatabase | TcpProxy)[] = [];
  beforeAll(async () => {
    server = await openTestPostgres();
  });
  afterAll(() => server?.stop());
  beforeEach(async () => {
    url = await server.createDatabase(ledgerMigrations);
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });
  return {
    get server() {
      return server;
    },
    get url() {
      return url;
    },
    async open(options = {}) {
      const common = { connectionString: url, clock: systemClock, random: seededRandom(1), poolSize: 4 };
      const database = await openPostgres({ ...common, ...options });
      opened.push(database);
      return database;
    },
    async proxied() {
      const { hostname, port } = new URL(url);
      const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
      opened.push(proxy);
      const proxyUrl = new URL(url);
      proxyUrl.host = `127.0.0.1:${proxy.port}`;
      return { proxy, proxyUrl: proxyUrl.href };
    },
  };
}

/** Says once for each file what is left out without a server. */
export function postgresWanted(what: string): boolean {
  const wanted = process.env.MASKLINE_TEST_POSTGRES === '1';
  if (!wanted) console.info(`Left out: ${what}. Set MASKLINE_TEST_POSTGRES=1 to run it.`);
  return wanted;
}
