import { SIMULATED_DESTINATIONS } from '../../src/domain/destination.ts';
import { createPool } from '../../src/app/create-pool.ts';
import type { App } from '../../src/app/app.ts';
import { CALL_COUNTS, POLICY_DEFAULTS, POOL_LIMITS, type Pool } from '../../src/domain/pool.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { Signal } from '../../src/lib/signal.ts';
import { Vault } from '../../src/privacy/vault.ts';
import { createSqlStorage } from '../../src/storage/sql/sql-storage.ts';
import { type Database, statement, systemScope } from '../../src/storage/sql/connection.ts';

export const TENANT = 'default';
export const POOL = 'city';
export const ACCOUNT = 'operator';

// +1 NPA 555 01xx is reserved for fiction in every area code: 800 × 100 numbers. People and virtual numbers share
// them out by the parity of the area code's place.
const NUMBERS_OF_A_KIND = 40_000;

export function personNumber(n: number): string {
  return fictional(2 * (n % NUMBERS_OF_A_KIND));
}

function fictional(n: number): string {
  const areaCode = 200 + Math.floor(n / 2 / 50);
  return `+1${areaCode}55501${String(((n / 2) % 50) * 2 + (n % 2)).padStart(2, '0')}`;
}

const insertNumbers = statement(
  'seed_numbers',
  `insert into virtual_number (tenant, virtual_number, pool, provider_account, capabilities, state, idle_at, created_at)
   select $1, '+1' || (200 + n / 50)::text || '55501' || lpad(((n % 50) * 2 + 1)::text, 2, '0'), $2, $3,
          '{voice,sms}', 'in_service', $4, $4
     from generate_series(0, $5::int - 1) n`,
);

export interface SeedOptions {
  readonly database: Database;
  readonly masterKey: Uint8Array;
  /** at most 40,000 */
  readonly numbers: number;
  readonly pool?: Partial<Pool>;
}

/** A tenant, an account at the simulator that buys nothing, a pool, and its virtual numbers. */
export async function seed({ database, masterKey, numbers, pool }: SeedOptions): Promise<void> {
  if (numbers > NUMBERS_OF_A_KIND)
    throw new Error(`There are ${NUMBERS_OF_A_KIND} fictional numbers at most.`);
  const storage = createSqlStorage(database);
  const now = systemClock.now();
  await storage.system.tenantInsert(TENANT, TENANT, now);
  const keys = await new Vault(masterKey, storage.keys, systemClock, systemRandom).keysOf(TENANT);
  const id = 'acc_operator';
  const credentials = {
    baseUrl: 'http://127.0.0.1:9',
    sharedSecret: 'a-shared-secret-of-the-tests-0123456789',
  };
  const sealed = keys.sealText(JSON.stringify({ pathSecret: 'p'.repeat(32), credentials }), {
    table: 'provider_account',
    row: id,
  });
  await storage.run(TENANT, (s) =>
    s.providerAccounts.insert(
      { tenant: TENANT, id, name: ACCOUNT, provider: 'simulator', settings: {}, sealedCredentials: sealed },
      now,
    ),
  );
  const app = { storage, clock: systemClock, wake: { stock: new Signal() } } as unknown as App;
  await createPool(app, { tenant: TENANT, pool: { ...defaultPool(), ...pool } });
  await database.run(systemScope, (connection) =>
    connection.query(insertNumbers, [TENANT, POOL, ACCOUNT, new Date(now), numbers]),
  );
}

export function defaultPool(): Pool {
  return {
    ...POLICY_DEFAULTS,
    destinations: SIMULATED_DESTINATIONS,
    name: POOL,
    mode: 'dedicated',
    selection: 'avoid_sticky',
    countries: ['US'],
    numberQuarantineSeconds: 0,
    pairQuarantineSeconds: 0,
    graceSeconds: 0,
    sessionTtlSeconds: POOL_LIMITS.sessionTtlSeconds.default,
    ringTimeoutSeconds: POOL_LIMITS.ringTimeoutSeconds.default,
    maxCallSeconds: POOL_LIMITS.maxCallSeconds.default,
    // A test calls more often than a person would, and does not report every end.
    concurrentCallsMax: CALL_COUNTS.concurrentCallsMax.maximum,
    hourlyAttemptsMax: CALL_COUNTS.hourlyAttemptsMax.maximum,
    stock: null,
  };
}
