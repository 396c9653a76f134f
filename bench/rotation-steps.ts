/**
 * How long each step of an exchange of keys takes (SEC-34), without the pauses in which replicas notice it and without
 * calls beside it: rows a second of each, on a PostgreSQL of its own.
 *
 *   node bench/rotation-steps.ts [routes, default 20000]
 */
import { randomBytes } from 'node:crypto';
import { addTwins, leaveOtherIndexKeys } from '../src/app/rekey-callers.ts';
import { resealUnder } from '../src/app/reseal-under.ts';
import { rotateDataKeys, rotateIndexKey } from '../src/app/rotate-keys.ts';
import type { App } from '../src/app/app.ts';
import { systemClock } from '../src/lib/clock.ts';
import { systemRandom } from '../src/lib/random.ts';
import { Vault } from '../src/privacy/vault.ts';
import { openPostgres } from '../src/storage/postgres/open-postgres.ts';
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

async function step(name: string, work: () => Promise<unknown>, rows = routes): Promise<void> {
  const [from, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const seconds = (performance.now() - from) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  console.log(
    `${name.padEnd(12)} ${rows} rows in ${seconds.toFixed(1)} s, ${(rows / seconds).toFixed(0)}/s, ` +
      `${((user + system) / rows).toFixed(0)} µs of this process each`,
  );
}
