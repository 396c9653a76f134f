import { SIMULATED_DESTINATIONS } from '../../domain/destination.ts';
import { onTestFinished } from 'vitest';
import type { Pool } from '../../domain/pool.ts';
import { POLICY_DEFAULTS, POOL_LIMITS } from '../../domain/pool.ts';
import { toVirtualNumber, type VirtualNumber } from '../../domain/virtual-number.ts';
import { createId } from '../../lib/id.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { seededRandom } from '../../lib/random.ts';
import { Signal } from '../../lib/signal.ts';
import { silentLog } from '../../observe/log.ts';
import { createMetrics } from '../../observe/metrics.ts';
import type { Attestation } from '../../providers/provider.ts';
import { PhoneNumber } from '../../privacy/phone-number.ts';
import { Vault } from '../../privacy/vault.ts';
import type { ProfileDirectory } from '../../profiles/profile-directory.ts';
import type { Database } from '../../storage/sql/connection.ts';
import { createSqlStorage } from '../../storage/sql/sql-storage.ts';
import { openTestDatabase } from '../../storage/testing/open-test-database.ts';
import type { App, ProviderAccount } from '../app.ts';
import { createPool } from '../create-pool.ts';
import { importVirtualNumber } from '../import-virtual-number.ts';
import { type OpenOutcome, openSession } from '../open-session.ts';
import { routeCall } from '../route-call.ts';
import type { RoutedCall } from '../routed-call.ts';
import { PoolRules } from '../pool-rules.ts';
import { StockWatch } from '../stock-watch.ts';

export const TENANT = 'default';
export const ACCOUNT = 'operator';

/** One for all worlds, because background jobs look after every tenant of a database. */
const MASTER_KEY = new Uint8Array(32).fill(7);

/** A number reserved for fiction: +44 7700 900000 to 900999 (Ofcom), and above that +1 NPA 555 01xx. */
export function person(n: number): PhoneNumber {
  const american = `+1${600 + Math.floor((n - 1_000) / 100)}55501${String(n % 100).padStart(2, '0')}`;
  const number = PhoneNumber.parse(n < 1_000 ? `+447700900${String(n).padStart(3, '0')}` : american);
  if (!number) throw new Error(`There is no person ${n}.`);
  return number;
}

/** A number reserved for fiction: +44 1632 960000 to 960999 (Ofcom), and above that +1 NPA 555 01xx. */
export function virtualNumber(n: number): VirtualNumber {
  if (n < 1_000) return `+441632960${String(n).padStart(3, '0')}` as VirtualNumber;
  const areaCode = 201 + Math.floor((n - 1_000) / 100);
  return `+1${areaCode}55501${String(n % 100).padStart(2, '0')}` as VirtualNumber;
}

export interface World {
  readonly tenant: string;
  readonly app: App;
  readonly clock: ManualClock;
  readonly database: Database;
  /** Opens a session for customer `c` and driver `d`, or for these people in these roles. */
  assign(
    reference: string,
    people: readonly number[] | Readonly<Record<string, number>>,
    assignment?: number,
  ): Promise<OpenOutcome>;
  /** Person `from` dials; what the provider is told. */
  dial(
    from: number | null,
    dialled: string | null,
    callId?: string,
    attestation?: Attestation | null,
  ): Promise<RoutedCall>;
}

export interface WorldOptions {
  readonly pool?: Partial<Pool>;
  /** numbers in the pool; default 10 */
  readonly numbers?: number;
  readonly seed?: number;
  readonly profiles?: ProfileDirectory;
  readonly account?: (app: App) => ProviderAccount;
  /** further accounts, which hold no numbers at first */
  readonly moreAccounts?: readonly ((app: App) => ProviderAccount)[];
  /** numbers that are imported are spread over all accounts in turn; default: all at the first */
  readonly spread?: boolean;
  /** one that is moved by others as well */
  readonly clock?: ManualClock;
  /** one that others use as well; then `tenant` tells them apart. Default: one of its own, closed after the test */
  readonly database?: Database;
  readonly tenant?: string;
}

/** The real use cases on real SQL, with a clock that is moved by hand and a pool of fictional numbers. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const clock = options.clock ?? new ManualClock();
  const random = seededRandom(options.seed ?? 1);
  const database = options.database ?? (await ownDatabase());
  const tenant = options.tenant ?? TENANT;
  const storage = createSqlStorage(database);
  const app: App = {
    storage,
    clock,
    random,
    vault: new Vault(MASTER_KEY, storage.keys, clock, random),
    profiles: options.profiles ?? { realNumberOf: async () => null },
    wake: { outbox: new Signal(), stock: new Signal(), pending: new Signal() },
    stockWatch: new StockWatch(),
    poolRules: new PoolRules({ storage, clock }),
    log: silentLog,
    metrics: createMetrics(),
    providerAccounts: {
      byId: async (id) => accounts.find((one) => one.id === id) ?? null,
      byName: async (of, name) => accounts.find((one) => of === tenant && one.name === name) ?? null,
    },
  };
  const account: ProviderAccount = options.account?.(app) ?? unusedAccount(tenant);
  const accounts = [account, ...(options.moreAccounts ?? []).map((make) => make(app))];
  await storage.system.tenantInsert(tenant, 'A company', clock.now());
  const keys = await app.vault.keysOf(tenant);
  for (const { id, name } of accounts) {
    const sealedCredentials = keys.sealText('{}', { table: 'provider_account', row: id });
    const row = { tenant, id, name, provider: 'simulator', settings: {}, sealedCredentials };
    await storage.run(tenant, (s) => s.providerAccounts.insert(row, clock.now()));
  }
  const pool: Pool = { ...defaultPool(), ...options.pool };
  await createPool(app, { tenant, pool });
  for (let n = 0; n < (options.numbers ?? 10); n++) {
    await importVirtualNumber(app, {
      tenant,
      virtualNumber: virtualNumber(n),
      pool: pool.name,
      providerAccount: (options.spread ? accounts[n % accounts.length] : account)?.name ?? account.name,
      capabilities: ['voice', 'sms'],
    });
  }
  return {
    tenant,
    app,
    clock,
    database,
    assign(reference, people, assignment) {
      const roles = Array.isArray(people)
        ? people.map((n, i) => [['customer', 'driver', 'merchant'][i] ?? `guest_${i}`, n] as const)
        : Object.entries(people as Readonly<Record<string, number>>);
      return openSession(app, {
        tenant,
        pool: pool.name,
        reference,
        assignment: assignment ?? null,
        mode: 'voice_and_message',
        expiresInSeconds: null,
        cause: null,
        participants: roles.map(([role, n]) => ({ role, userId: `${role}-${n}`, realNumber: person(n) })),
      });
    },
    dial: async (from, dialled, callId, attestation = null) =>
      routeCall(app, {
        tenant,
        providerAccount: await accountOf(app, tenant, dialled, account.name),
        providerCallId: callId ?? createId('test', clock, random),
        kind: 'call',
        callingNumber: from === null ? null : person(from),
        calledNumber: dialled as VirtualNumber | null,
        attestation,
        digits: null,
      }),
  };
}

/** The account that holds the number, which is the one that would ask. */
async function accountOf(
  app: App,
  tenant: string,
  dialled: string | null,
  otherwise: string,
): Promise<string> {
  const number = dialled === null ? null : toVirtualNumber(dialled);
  const row = number && (await app.storage.run(tenant, (s) => s.virtualNumbers.get(number)));
  return row?.providerAccount ?? otherwise;
}

async function ownDatabase(): Promise<Database> {
  const database = await openTestDatabase();
  onTestFinished(() => database.close());
  return database;
}

function defaultPool(): Pool {
  return {
    ...POLICY_DEFAULTS,
    destinations: SIMULATED_DESTINATIONS,
    name: 'city',
    mode: 'dedicated',
    selection: 'avoid_sticky',
    countries: ['GB'],
    numberQuarantineSeconds: POOL_LIMITS.numberQuarantineSeconds.default,
    pairQuarantineSeconds: POOL_LIMITS.pairQuarantineSeconds.default,
    graceSeconds: POOL_LIMITS.graceSeconds.default,
    sessionTtlSeconds: POOL_LIMITS.sessionTtlSeconds.default,
    ringTimeoutSeconds: POOL_LIMITS.ringTimeoutSeconds.default,
    maxCallSeconds: POOL_LIMITS.maxCallSeconds.default,
    stock: null,
  };
}

function unusedAccount(tenant: string): ProviderAccount {
  return {
    tenant,
    id: `acc_operator_${tenant}`,
    name: ACCOUNT,
    pathSecret: 'path-secret',
    webhookBase: 'http://127.0.0.1/webhooks',
    get provider(): never {
      throw new Error('This test talks to no provider.');
    },
  };
}
