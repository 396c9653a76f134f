import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { systemClock } from '../src/lib/clock.ts';
import { systemRandom } from '../src/lib/random.ts';
import { openPostgres } from '../src/storage/postgres/open-postgres.ts';
import type { PostgresDatabase } from '../src/storage/postgres/postgres-database.ts';
import { databaseUrl, runAsAdmin } from '../src/storage/testing/open-test-postgres.ts';
import { startPostgresServer } from '../src/storage/testing/postgres-server.ts';
import { Replica, runCommand } from '../test/production/replica.ts';
import { type SeedOptions, seed } from '../test/production/seed.ts';

export interface LoneService {
  readonly database: PostgresDatabase;
  readonly replica: Replica;
  /** with every scope */
  readonly apiKey: string;
  stop(): Promise<void>;
}

/** One `maskline serve` that answers calls and the API, on a PostgreSQL of its own that syncs as in production; no Kafka. */
export async function createLoneService(
  options: Pick<SeedOptions, 'numbers' | 'pool'>,
): Promise<LoneService> {
  const server = await startPostgresServer({
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    shared_buffers: '256MB',
  });
  try {
    await runAsAdmin(server.url, 'create database maskline');
    const url = databaseUrl(server.url, 'maskline');
    const masterKey = randomBytes(32);
    const environment = {
      DATABASE_URL: url,
      MASKLINE_MASTER_KEY: masterKey.toString('base64'),
      MASKLINE_ROLES: 'api,webhooks',
      MASKLINE_LOG_LEVEL: 'info',
    };
    const migrated = await runCommand(['migrate'], environment);
    if (migrated.code !== 0) throw new Error(migrated.stderr);
    const database = await openPostgres({
      connectionString: url,
      clock: systemClock,
      random: systemRandom,
      poolSize: 4,
      connectTimeoutMs: 10_000,
      statementTimeoutMs: 60_000,
    });
    await seed({ database, masterKey, ...options });
    const created = await runCommand(['keys', 'create', 'bench'], environment);
    const replica = await Replica.create(environment);
    return {
      database,
      replica,
      apiKey: created.stdout.trim(),
      async stop() {
        await replica.kill('SIGTERM');
        await database.close();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Resident memory of a process of this machine, in bytes; null where there is no /proc. */
export function residentBytes(pid: number | undefined): number | null {
  try {
    const kilobytes = /^VmRSS:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1_024;
  } catch {
    return null;
  }
}
