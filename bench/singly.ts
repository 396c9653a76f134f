import { randomUUID } from 'node:crypto';
import type { App } from '../src/app/app.ts';
import { openSession } from '../src/app/open-session.ts';
import { StockWatch } from '../src/app/stock-watch.ts';
import { systemClock } from '../src/lib/clock.ts';
import { systemRandom } from '../src/lib/random.ts';
import { Signal } from '../src/lib/signal.ts';
import { createMetrics } from '../src/observe/metrics.ts';
import { PhoneNumber } from '../src/privacy/phone-number.ts';
import { Vault } from '../src/privacy/vault.ts';
import { noProfileDirectory } from '../src/profiles/no-profile-directory.ts';
import { openPostgres } from '../src/storage/postgres/open-postgres.ts';
import { createSqlStorage } from '../src/storage/sql/sql-storage.ts';
import type { Deployment } from '../test/production/deployment.ts';
import { personNumber, POOL, TENANT } from '../test/production/seed.ts';

const AT_A_TIME = 8;

/**
 * Sessions a second when each event is a transaction of its own, eight at a time. Without Kafka on either side, so
 * that it is better off than what it is compared with.
 */
export async function measureSingly(
  { databaseUrl, masterKey }: Pick<Deployment, 'databaseUrl' | 'masterKey'>,
  sessions: number,
): Promise<number> {
  const database = await openPostgres({
    connectionString: databaseUrl,
    clock: systemClock,
    random: systemRandom,
    poolSize: AT_A_TIME,
  });
  const storage = createSqlStorage(database);
  const wake = { outbox: new Signal(), stock: new Signal(), pending: new Signal() };
  // What opening a session reaches; it asks no provider.
  const app = {
    storage,
    vault: new Vault(masterKey, storage.keys, systemClock, systemRandom),
    clock: systemClock,
    random: systemRandom,
    profiles: noProfileDirectory,
    wake,
    stockWatch: new StockWatch(),
    metrics: createMetrics(),
  } as unknown as App;
  const run = randomUUID().slice(0, 8);
  let next = 0;
  const open = async (n: number): Promise<void> => {
    const participants = ['customer', 'driver'].map((role, i) => ({
      role,
      userId: `${role}-${n}`,
      realNumber: PhoneNumber.parse(personNumber(2 * n + i)),
    }));
    const reference = `${run}-${n}`;
    await openSession(app, {
      tenant: TENANT,
      pool: POOL,
      reference,
      assignment: 1,
      mode: 'voice_and_message',
      expiresInSeconds: null,
      participants,
      cause: { source: '/orders', eventId: reference },
    });
  };
  await open(sessions);
  const from = performance.now();
  await Promise.all(
    Array.from({ length: AT_A_TIME }, async () => {
      while (next < sessions) await open(next++);
    }),
  );
  const rate = (1_000 * sessions) / (performance.now() - from);
  await database.close();
  return rate;
}
