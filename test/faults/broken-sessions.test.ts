import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type SqlConnection, statement, systemScope, tenantScope } from '../../src/storage/sql/connection.ts';
import type { OpenPostgresOptions } from '../../src/storage/postgres/postgres-options.ts';
import type { PostgresDatabase } from '../../src/storage/postgres/postgres-database.ts';
import { usePostgres } from '../../src/storage/testing/use-postgres.ts';
import { FaultProxy } from './proxy/fault-proxy.ts';
import { postgresTap, type StatementFault } from './proxy/postgres-tap.ts';

const acme = tenantScope('acme');
const insert = statement('ledger_insert', 'insert into ledger (tenant, id, amount) values ($1, $2, 1)');
const pid = statement('pid', 'select pg_backend_pid() as pid');
const FAULTS: readonly StatementFault[] = [
  { kind: 'refused', sqlState: '40001' },
  { kind: 'refused', sqlState: '40P01' },
  { kind: 'terminated' },
  { kind: 'lost_request' },
  { kind: 'lost_reply' },
];

const postgres = usePostgres();
let proxy: FaultProxy;
let judge: (text: string) => StatementFault | null;
let seen: string[];

beforeEach(async () => {
  judge = () => null;
  seen = [];
  const { hostname, port } = new URL(postgres.url);
  proxy = await FaultProxy.start({
    upstream: { host: hostname, port: Number(port) },
    tap: postgresTap((text) => {
      seen.push(text);
      return judge(text);
    }),
  });
});
afterEach(() => proxy.close());

function open(options: Partial<OpenPostgresOptions> = {}): Promise<PostgresDatabase> {
  const url = new URL(postgres.url);
  url.host = `127.0.0.1:${proxy.port}`;
  return postgres.open({ connectionString: url.href, poolSize: 4, ...options });
}

const opens = (text: string): boolean => text.startsWith('set search_path');
const openings = (): number => seen.filter(opens).length;

async function pidOf(connection: SqlConnection): Promise<number | undefined> {
  const [row] = await connection.query<{ pid: number }>(pid);
  return row?.pid;
}

/** The first ones of what matches fail so. */
function failFirst(faults: readonly StatementFault[], matches: (text: string) => boolean): void {
  const left = [...faults];
  judge = (text) => (matches(text) ? (left.shift() ?? null) : null);
}

describe('sessions that break', () => {
  it.each(FAULTS)('opens a session although the opening of one is hit by %j, twice', async (fault) => {
    failFirst([fault, fault], opens);
    const database = await open();
    expect(await database.run(acme, pidOf)).toBeGreaterThan(0);
    expect(openings()).toBe(3);
  });

  it.each(FAULTS)('leaves the others alone when every new session is hit by %j', async (fault) => {
    const database = await open({ acquireTimeoutMs: 500 });
    let begun = (): void => {};
    const isBegun = new Promise<void>((resolve) => (begun = resolve));
    let goOn = (): void => {};
    const mayGoOn = new Promise<void>((resolve) => (goOn = resolve));
    const attempts: (number | undefined)[] = [];
    const long = database.transaction(acme, async (connection) => {
      attempts.push(await pidOf(connection));
      begun();
      await mayGoOn;
      await connection.query(insert, ['acme', 1]);
    });
    await isBegun;
    judge = (text) => (opens(text) ? fault : null);
    await expect(database.run(acme, pidOf)).rejects.toMatchObject({ code: 'unavailable' });
    goOn();
    await long;
    expect(attempts).toHaveLength(1);
  });

  it('has successors for those that broke before anybody needs them', async () => {
    const database = await open();
    let waiting = 0;
    let allWait = (): void => {};
    const all = new Promise<void>((resolve) => (allWait = resolve));
    const together = (): Promise<(number | undefined)[]> =>
      Promise.all(
        [1, 2, 3].map(() =>
          database.transaction(acme, async (connection) => {
            if (++waiting === 3) allWait();
            await all;
            return pidOf(connection);
          }),
        ),
      );
    const before = await together();
    expect(database.status).toMatchObject({ open: 3, idle: 3 });
    let broken = 0;
    judge = (text) => (text === 'tenant:pid' && ++broken <= 2 ? { kind: 'terminated' } : null);
    expect(before).toContain(await database.run(acme, pidOf));
    judge = () => null;
    await vi.waitFor(() => expect(database.status).toMatchObject({ open: 3, idle: 3 }), 5_000);
    const opened = openings();
    waiting = 0;
    const after = await together();
    expect(after.filter((each) => before.includes(each))).toHaveLength(1);
    expect(openings()).toBe(opened);
  });

  it('does not run a change again whose connection broke under it', async () => {
    const database = await open();
    failFirst([{ kind: 'lost_reply' }], (text) => text === 'tenant:ledger_insert');
    const writing = database.run(acme, (connection) => connection.query(insert, ['acme', 1]));
    await expect(writing).rejects.toMatchObject({ code: 'commit_unknown' });
    expect(seen.filter((text) => text === 'tenant:ledger_insert')).toHaveLength(1);
  });

  it('takes the session that is in the scope already', async () => {
    const database = await open();
    await Promise.all([database.run(acme, pidOf), database.run(systemScope, pidOf)]);
    seen = [];
    const pids = new Set<number | undefined>();
    for (let round = 0; round < 3; round++) {
      pids.add(await database.run(acme, pidOf));
      pids.add(await database.run(systemScope, pidOf));
    }
    expect(pids.size).toBe(2);
    expect(seen).toEqual([1, 2, 3].flatMap(() => ['tenant:pid', 'system:pid']));
  });

  it('forgets an idle session that the server ended, and one that nobody has needed for long', async () => {
    const warnings: unknown[] = [];
    const log = { info() {}, warn: (facts: object) => warnings.push(facts), error() {} };
    const database = await open({ log, idleTimeoutMs: 300 });
    await database.run(acme, pidOf);
    expect(database.status).toMatchObject({ open: 1, idle: 1 });
    await proxy.disable();
    await vi.waitFor(() => expect(database.status.open).toBe(0), 5_000);
    expect(warnings).toMatchObject([{ reason: expect.any(String) }]);
    await proxy.enable();
    await database.run(acme, pidOf);
    expect(database.status.open).toBe(1);
    await vi.waitFor(() => expect(database.status.open).toBe(0), 5_000);
    expect(warnings).toHaveLength(1);
  });
});
