import type { App, ProviderAccount } from '../../src/app/app.ts';
import { CallCaps } from '../../src/app/call-caps.ts';
import { PoolRules } from '../../src/app/pool-rules.ts';
import { StockWatch } from '../../src/app/stock-watch.ts';
import { encodeCloudEvent } from '../../src/bus/cloud-events.ts';
import type { Subscription } from '../../src/bus/bus.ts';
import { gatheredUseCases } from '../../src/consumers/gathered-use-cases.ts';
import { orderUseCases } from '../../src/consumers/order-use-cases.ts';
import { createOrdersConsumer } from '../../src/consumers/orders.ts';
import { numberReconciler } from '../../src/jobs/number-reconciler.ts';
import { callCloser } from '../../src/jobs/call-closer.ts';
import type { Job } from '../../src/jobs/job.ts';
import { outboxPublisher } from '../../src/jobs/outbox-publisher.ts';
import { pendingServer } from '../../src/jobs/pending-server.ts';
import { sessionExpirer } from '../../src/jobs/session-expirer.ts';
import { spendWatch } from '../../src/jobs/spend-watch.ts';
import { stockKeeper } from '../../src/jobs/stock-keeper.ts';
import { trimmer } from '../../src/jobs/trimmer.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { Signal } from '../../src/lib/signal.ts';
import type { Log } from '../../src/observe/log.ts';
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts';
import { Vault } from '../../src/privacy/vault.ts';
import type { ProfileDirectory } from '../../src/profiles/profile-directory.ts';
import { ProfileDirectoryUnavailable } from '../../src/profiles/profile-directory.ts';
import type { Database } from '../../src/storage/sql/connection.ts';
import { createSqlStorage } from '../../src/storage/sql/sql-storage.ts';
import { type CommitWatch, FaultyDatabase } from './faulty-database.ts';
import { createOperatorProvider, type Operator, type ProviderWatch } from './operator.ts';
import { personOfUser, phoneNumber } from './people.ts';
import type { ReplicaLife } from './replica-life.ts';
import { ReplicaBus, type SimBus } from './sim-bus.ts';

export const TENANT = 'default';
export const POOL = 'city';
export const TOPICS = { orders: 'orders', masking: 'masking', deadLetter: 'orders.dead-letter' } as const;
const MASTER_KEY = new Uint8Array(32).fill(7);

/** Shared by all replicas: nothing reads them here, and making a registry takes a millisecond. */
let metrics: Metrics | undefined;

export interface ReplicaDeps {
  readonly life: ReplicaLife;
  readonly seed: number;
  readonly database: Database;
  readonly commitWatch: CommitWatch;
  readonly bus: SimBus;
  readonly operators: readonly Operator[];
  readonly providerWatch: ProviderWatch;
  readonly log: Log;
  /** whether assignments that arrive together are applied together, as `maskline serve` does */
  readonly gathers: boolean;
  /** calls that the tenant may connect in an hour; null is no cap */
  readonly hourlyCap: number | null;
}

/** One process of Maskline: the real use cases, consumer, jobs, adapter and SQL on ports that can fail. */
export interface Replica {
  readonly life: ReplicaLife;
  readonly app: App;
  readonly jobs: readonly Job[];
  readonly handleOrders: Subscription['handle'];
}

export function createReplica(deps: ReplicaDeps): Replica {
  const { life, operators } = deps;
  const storage = createSqlStorage(new FaultyDatabase(deps.database, life, deps.commitWatch));
  const random = seededRandom(deps.seed);
  metrics ??= createMetrics();
  const accounts = operators.map(
    (operator): ProviderAccount => ({
      tenant: TENANT,
      id: operator.accountId,
      name: operator.account,
      provider: createOperatorProvider(operator, life, deps.providerWatch),
      pathSecret: operator.pathSecret,
      webhookBase: operator.webhookBase,
    }),
  );
  const common: Omit<App, 'callCaps'> = {
    storage,
    clock: life.clock,
    random,
    vault: new Vault(MASTER_KEY, storage.keys, life.clock, random),
    profiles: profileDirectory(life),
    wake: { outbox: new Signal(), stock: new Signal(), pending: new Signal() },
    stockWatch: new StockWatch(),
    poolRules: new PoolRules({ storage, clock: life.clock }),
    log: deps.log,
    metrics,
    providerAccounts: {
      byId: async (id) => accounts.find((account) => account.id === id) ?? null,
      byName: async (tenant, name) =>
        accounts.find((account) => account.tenant === tenant && account.name === name) ?? null,
    },
  };
  const cap = deps.hourlyCap === null ? null : { calls: deps.hourlyCap, minutes: 1_000_000 };
  const callCaps = cap && new CallCaps(common, { tenant: cap, providerAccount: null });
  const app: App = callCaps ? { ...common, callCaps } : common;
  const bus = new ReplicaBus(deps.bus, life);
  const holder = `${life.name}-${deps.seed}`;
  const publisher = outboxPublisher(app, {
    bus,
    topic: TOPICS.masking,
    holder,
    encode: ({ eventId, occurredAt, event: { type, key, data } }) =>
      encodeCloudEvent({ id: eventId, source: 'maskline', type, key, subject: key, time: occurredAt, data }),
  });
  return {
    life,
    app,
    jobs: [
      publisher,
      stockKeeper(app, { holder }),
      pendingServer(app),
      sessionExpirer(app),
      callCloser(app),
      numberReconciler(app, { holder }),
      spendWatch(app, { holder }),
      trimmer(app, { trimBus: null, inboxDays: 30 }),
    ],
    handleOrders: createOrdersConsumer({
      tenant: TENANT,
      useCases: deps.gathers ? gatheredUseCases(app) : orderUseCases(app),
      bus,
      deadLetterTopic: TOPICS.deadLetter,
      vault: app.vault,
      clock: life.clock,
      random,
      log: deps.log,
      metrics,
    }),
  };
}

function profileDirectory(life: ReplicaLife): ProfileDirectory {
  return {
    async realNumberOf(userId) {
      await life.pass('before profile');
      await life.mayDie('before profile');
      if (life.strikes('profileError', 'profile')) throw new ProfileDirectoryUnavailable('No answer.');
      return phoneNumber(personOfUser(userId));
    },
  };
}
