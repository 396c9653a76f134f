import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { statement, systemScope } from '../../src/storage/sql/connection.ts';
import type { Replica } from '../../test/production/replica.ts';
import { personNumber, POOL } from '../../test/production/seed.ts';
import type { BenchOptions, BenchRow } from '../bench-row.ts';
import { createLoneService, type LoneService, residentBytes } from '../lone-service.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MEGABYTE = 2 ** 20;
const RESIDENT_AIM_MEGABYTES = 200;
const CONNECTIONS = 64;
/** What docs/operations.md recommends where memory is dear. */
const SMALL = '--max-semi-space-size=8 --max-old-space-size=192';
/** Twice as many calls as these are still fewer for each session than it may have in an hour. */
const FULL = { sessions: 12_500, calls: 60_000 };
const SMOKE = { sessions: 600, calls: 3_000 };

/** What one service costs to have: memory, disk, and the time until it answers. */
export async function measureB7({ smoke, progress }: BenchOptions): Promise<BenchRow[]> {
  const size = smoke ? SMOKE : FULL;
  progress('B7: start');
  const service = await createLoneService({ numbers: 2 * size.sessions + 100 });
  try {
    const startedAt = performance.now();
    const starting = service.replica.start();
    const firstDecisionMs = await firstDecision(service, startedAt);
    await starting;
    const idle = residentBytes(service.replica.pid) ?? Number.NaN;
    const before = await databaseBytes(service);
    progress(`B7: ${size.sessions} sessions`);
    const sessions = await openSessions(service, size.sessions);
    const perSession = ((await databaseBytes(service)) - before) / size.sessions;
    progress(`B7: ${size.calls} calls`);
    const { highest, perSecond } = await callAll(service.replica, service.apiKey, sessions, size.calls);
    progress(`B7: ${size.calls} calls with ${SMALL}`);
    const small = await callAll(await service.restart(SMALL), service.apiKey, sessions, size.calls);
    return [
      {
        id: 'B7',
        title: `resident memory of the service on PostgreSQL, ${CONNECTIONS} connections`,
        unit: 'MB',
        value: highest / MEGABYTE,
        limit: null,
        rival: null,
        ratio: null,
        aim: `≤ ${RESIDENT_AIM_MEGABYTES} MB`,
        met: highest / MEGABYTE <= RESIDENT_AIM_MEGABYTES,
        details: {
          'resident when idle, MB': Math.round(idle / MEGABYTE),
          'calls answered': size.calls,
          'calls answered a second': Math.round(perSecond),
          [`resident with ${SMALL}, MB`]: Math.round(small.highest / MEGABYTE),
          'calls answered a second with it': Math.round(small.perSecond),
          'service memory per million live sessions, MB': '0: the service keeps none of them',
          'database bytes per live session, indexes and events included': Math.round(perSession),
          'database per million live sessions, MB (by proportion)': Math.round((perSession * 1e6) / MEGABYTE),
          'sessions measured': size.sessions,
          'start to first decision, ms': Math.round(firstDecisionMs),
          ...installedSizes(),
        },
      },
    ];
  } finally {
    await service.stop();
  }
}

/** Milliseconds from the start of the process to the first decision, a refusal, of a call. */
async function firstDecision({ replica, apiKey }: LoneService, startedAt: number): Promise<number> {
  const question = { callingNumber: personNumber(1), calledNumber: personNumber(2), callId: 'first' };
  for (;;) {
    const answer = await replica.ask('POST', '/v1/route-decisions', question, apiKey).catch(() => null);
    if (answer?.status === 200) return performance.now() - startedAt;
    if (replica.exited) throw new Error(`The service did not start:\n${replica.output}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

interface OpenSession {
  readonly callingNumber: string;
  readonly calledNumber: string;
}

async function openSessions({ replica, apiKey }: LoneService, count: number): Promise<OpenSession[]> {
  const opened: OpenSession[] = [];
  await inParallel(count, async (n) => {
    const [customer, driver] = [personNumber(2 * n), personNumber(2 * n + 1)];
    const { status, body } = await replica.ask(
      'POST',
      '/v1/sessions',
      {
        pool: POOL,
        reference: `bench-${n}`,
        participants: [
          { role: 'customer', realNumber: customer },
          { role: 'driver', realNumber: driver },
        ],
      },
      apiKey,
    );
    const calledNumber = body?.participants?.[1]?.virtualNumber;
    if (status !== 201 || typeof calledNumber !== 'string')
      throw new Error(`Session ${n} was answered with ${status}: ${JSON.stringify(body)}`);
    opened.push({ callingNumber: customer, calledNumber });
  });
  return opened;
}

async function callAll(
  replica: Replica,
  apiKey: string,
  sessions: readonly OpenSession[],
  calls: number,
): Promise<{ highest: number; perSecond: number }> {
  let highest = 0;
  const startedAt = performance.now();
  await inParallel(calls, async (n) => {
    const question = { ...sessions[n % sessions.length], callId: `bench-${replica.port}-${n}` };
    const { status, body } = await replica.ask('POST', '/v1/route-decisions', question, apiKey);
    if (status !== 200 || body?.decision !== 'bridge')
      throw new Error(`Call ${n} was answered with ${status}: ${body?.reason ?? body?.code}`);
    if (n % 100 === 0) highest = Math.max(highest, residentBytes(replica.pid) ?? Number.NaN);
  });
  return { highest, perSecond: (1_000 * calls) / (performance.now() - startedAt) };
}

async function inParallel(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (let n = next++; n < count; n = next++) await work(n);
    }),
  );
}

const databaseSize = statement('bench_database_size', 'select pg_database_size(current_database()) as bytes');

async function databaseBytes({ database }: LoneService): Promise<number> {
  const [row] = await database.run(systemScope, (connection) =>
    connection.query<{ bytes: number | bigint | string }>(databaseSize, []),
  );
  return Number(row?.bytes);
}

function installedSizes(): Record<string, number> {
  const modules = path.join(ROOT, 'node_modules');
  if (!existsSync(modules)) return {};
  const megabytes = (...paths: string[]) => {
    const lines = execFileSync('du', ['-sm', '-c', ...paths], { encoding: 'utf8' })
      .trim()
      .split('\n');
    return Number.parseInt(lines.at(-1) ?? '', 10);
  };
  const production = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable', '--workspaces=false'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
    .trim()
    .split('\n')
    .filter((one) => one.includes('node_modules'));
  return {
    'npm ci, MB': megabytes(modules),
    'npm ci --omit=dev, MB, the service alone': megabytes(...production),
    'packages of the service alone': production.length,
  };
}
