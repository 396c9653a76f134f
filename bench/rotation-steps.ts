/**
 * How long each step of an exchange of keys takes (SEC-34), without the pauses in which replicas notice it and without
 * calls beside it: rows a second of each, on a PostgreSQL of its own, and the processor time of both, which a machine that
 * does something else as well changes less.
 *
 *   node bench/rotation-steps.ts [routes, default 20000]
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { addTwins, leaveOtherIndexKeys } from '../src/app/rekey-callers.ts';
import { resealUnder } from '../src/app/reseal-under.ts';
import { rotateDataKeys, rotateIndexKey } from '../src/app/rotate-keys.ts';
import type { App } from '../src/app/app.ts';
import { systemClock } from '../src/lib/clock.ts';
import { systemRandom } from '../src/lib/random.ts';
import { Vault } from '../src/privacy/vault.ts';
import { openPostgres } from '../src/storage/postgres/open-postgres.ts';
import { statement } from '../src/storage/sql/connection.ts';
import { createSqlStorage } from '../src/storage/sql/sql-storage.ts';
import { openTestPostgres } from '../src/storage/testing/open-test-postgres.ts';
import { FILL_NUMBERS, fillSessions } from '../test/production/rotation-fill.ts';
import { seed, TENANT } from '../test/production/seed.ts';

const routes = Number(process.argv[2] ?? 20_000);
const masterKey = randomBytes(32);
const server = await openTestPostgres();
const database = await openPostgres({
  ...{ connectionString: await server.createDatabase(), clock: systemClock, random: systemRandom },
  ...{ poolSize: 10, statementTimeoutMs: 120_000 },
});
await seed({ database, masterKey, numbers: FILL_NUMBERS });
await step('filled', () => fillSessions(database, masterKey, routes / 2));
await database.asOwner((session) => session.execute('analyze'));
const storage = createSqlStorage(database);
const never = new AbortController().signal;

const before = new Set((await storage.keys.dataKeyList(TENANT)).map(({ keyId }) => keyId));
await rotateDataKeys(app(), TENANT, 'command:bench');
const retired = (await storage.keys.dataKeyList(TENANT))
  .filter(({ keyId, state }) => before.has(keyId) && state === 'retired')
  .map(({ keyId }) => keyId);
await step('sealed anew', () => resealUnder(app(), TENANT, retired, never), 2 * routes);
const incoming = await rotateIndexKey(app(), TENANT, 'command:bench');
await step('twins', () => addTwins(app(), TENANT, incoming, never));
const old = (await storage.keys.dataKeyList(TENANT)).find(
  ({ purpose, state }) => purpose === 'index' && state === 'active',
);
await storage.keys.indexKeySwap(TENANT, old?.keyId ?? 0, incoming);
await storage.keys.dataKeySetState(TENANT, old?.keyId ?? 0, 'writing', 'retired');
await step('left', () => leaveOtherIndexKeys(app(), TENANT, incoming, never), 2 * routes);
await database.close();
await server.stop();

/** With a vault that knows no keys from before. */
function app(): App {
  const vault = new Vault(masterKey, storage.keys, systemClock, systemRandom);
  return { storage, vault, clock: systemClock } as App;
}

/**
 * Microseconds that the server's processes have used, from Linux's /proc, in hundredths of a second: those that are, and
 * those that were. NaN elsewhere.
 */
function databaseMicros(): Promise<number> {
  // As long as the session is open, so is its process.
  return database.asOwner(async (session) => {
    const [row] = await session.query<{ pid: number }>(
      statement('bench_pid', 'select pg_backend_pid() as pid'),
    );
    const postmaster = fieldsOf(String(row?.pid))[1];
    if (postmaster === undefined) return Number.NaN;
    const alive = readdirSync('/proc')
      .filter((pid) => /^[0-9]+$/.test(pid))
      .map(fieldsOf)
      .filter(([, parent]) => parent === postmaster);
    const ended = sum(fieldsOf(postmaster), 11, 15);
    return 10_000 * alive.reduce((all, fields) => all + sum(fields, 11, 13), ended);
  });
}

/** After the name in parentheses: state, parent, …, then user, system, and the same of children that ended. */
function fieldsOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  } catch {
    return [];
  }
}

function sum(fields: readonly string[], from: number, to: number): number {
  return fields.slice(from, to).reduce((all, ticks) => all + Number(ticks), 0);
}

async function step(name: string, work: () => Promise<unknown>, rows = routes): Promise<void> {
  const [from, cpu, server] = [performance.now(), process.cpuUsage(), await databaseMicros()];
  await work();
  const seconds = (performance.now() - from) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  console.log(
    `${name.padEnd(12)} ${rows} rows in ${seconds.toFixed(1)} s, ${(rows / seconds).toFixed(0)}/s, ` +
      `${((user + system) / rows).toFixed(0)} µs of this process each, ` +
      `${(((await databaseMicros()) - server) / rows).toFixed(0)} of the server`,
  );
}
