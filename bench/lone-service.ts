import { randomBytes } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
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
  /** of its administrator */
  readonly databaseUrl: string;
  readonly replica: Replica;
  /** with every scope */
  readonly apiKey: string;
  /** Starts the service again, with these options of Node (`NODE_OPTIONS`). */
  restart(nodeOptions: string): Promise<Replica>;
  stop(): Promise<void>;
}

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** Inside the repository, so that it finds its packages. */
const BUILD = path.join(ROOT, '.bench-build');

/** Compiles the service as the published package is, because Node's own compiling at start takes memory and time. */
function build(): string {
  rmSync(BUILD, { recursive: true, force: true });
  const compiler = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(
    process.execPath,
    [compiler, '-p', 'tsconfig.build.json', '--outDir', BUILD],
    { cwd: ROOT, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`The service does not compile:\n${stdout}`);
  mkdirSync(path.join(BUILD, 'src/storage'), { recursive: true });
  cpSync(path.join(ROOT, 'src/storage/migrations'), path.join(BUILD, 'src/storage/migrations'), {
    recursive: true,
  });
  cpSync(path.join(ROOT, 'package.json'), path.join(BUILD, 'package.json'));
  return path.join(BUILD, 'src/cli.js');
}

/** One `maskline serve` that answers calls and the API, on a PostgreSQL of its own that syncs as in production; no Kafka. */
export async function createLoneService(
  options: Pick<SeedOptions, 'numbers' | 'pool'>,
): Promise<LoneService> {
  const program = build();
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
      // One key does what a whole company's would.
      MASKLINE_API_UNITS_PER_SECOND: '100000',
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
    const replica = await Replica.create(environment, { program });
    let running = replica;
    return {
      database,
      databaseUrl: url,
      replica,
      apiKey: created.stdout.trim(),
      async restart(nodeOptions) {
        await running.kill('SIGTERM');
        running = await Replica.start({ ...environment, NODE_OPTIONS: nodeOptions }, { program });
        return running;
      },
      async stop() {
        await running.kill('SIGTERM');
        await database.close();
        await server.stop();
        rmSync(BUILD, { recursive: true, force: true });
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
