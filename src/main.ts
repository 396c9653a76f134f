import type { FastifyInstance } from 'fastify';
import type { App } from './app/app.ts';
import { CallCaps } from './app/call-caps.ts';
import { nameRefusedAccounts } from './app/name-refused-accounts.ts';
import { PoolRules } from './app/pool-rules.ts';
import type { DestinationRule } from './domain/destination.ts';
import { RefusalLimits } from './app/refusal-limits.ts';
import { StockWatch } from './app/stock-watch.ts';
import type { Bus } from './bus/bus.ts';
import type { ServiceConfig } from './config.ts';
import type { ReadyReport } from './http/probes.ts';
import { createBus } from './create-bus.ts';
import { listenWide } from './http/listen-wide.ts';
import { createHttpServer } from './http/server.ts';
import { BacklogWatch } from './jobs/backlog-watch.ts';
import { startJob } from './jobs/job.ts';
import { vacuumer } from './jobs/vacuumer.ts';
import type { Clock } from './lib/clock.ts';
import type { Random } from './lib/random.ts';
import { Signal } from './lib/signal.ts';
import type { Log } from './observe/log.ts';
import { createMetrics } from './observe/metrics.ts';
import { applySchema } from './apply-schema.ts';
import { startConsumer, startJobs } from './start-background.ts';
import { type Started, stopAll } from './stop-all.ts';
import { openDatabase } from './open-database.ts';
import { portError } from './port-error.ts';
import { Vault } from './privacy/vault.ts';
import { createHttpProfileDirectory } from './profiles/http/http-profile-directory.ts';
import { noProfileDirectory } from './profiles/no-profile-directory.ts';
import { providerFactories } from './provider-factories.ts';
import { createProviderAccounts } from './providers/provider-accounts.ts';
import { assertConfined } from './storage/confinement.ts';
import { createSqlStorage } from './storage/sql/sql-storage.ts';
import { VERSION } from './version.ts';

const READY_TIMEOUT_MS = 1_000;

export interface ServiceOptions {
  readonly config: ServiceConfig;
  /** 32 bytes */
  readonly masterKey: Uint8Array;
  /** another that opens data keys while it is being exchanged */
  readonly masterKeyAlso?: Uint8Array | null;
  /** whether those who keep the master keys still let us use them; default: for good */
  readonly masterKeysHeld?: () => boolean;
  /** whether it migrates the schema itself, or refuses to start on one that is behind */
  readonly migrates: boolean;
  /** what a new pool connects to when it does not say; absent: its own countries, mobile and fixed lines */
  readonly destinationsDefault?: DestinationRule;
  /** where the embedded database lives when no DATABASE_URL is given */
  readonly embeddedDirectory: string | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** how many log lines were lost since the start, for the metrics */
  readonly droppedLogLines?: () => number;
  /** Runs when storage is ready and nothing else has started. */
  readonly prepare?: (app: App) => Promise<void>;
}

export interface Service {
  readonly app: App;
  readonly bus: Bus;
  readonly url: string;
  /** Drains: requests and batches in hand are finished, the outbox is flushed, then everything closes. */
  stop(): Promise<void>;
}

/**
 * Constructs everything, in order, and starts it: database, schema, vault, use cases, bus, HTTP, background
 * loops, consumers. What was started is stopped in reverse, also when a later step fails.
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const started: Started = [];
  try {
    return await start(options, started);
  } catch (error) {
    await stopAll(started, options.log);
    throw error;
  }
}

async function start(options: ServiceOptions, started: Started): Promise<Service> {
  const { config, clock, log } = options;
  const database = await openDatabase(options);
  started.push({ name: 'database', stop: () => database.close() });
  await applySchema(database, options);
  await assertConfined(database);
  const app = createApp(options, database);
  await app.storage.system.tenantInsert(config.tenant, config.tenant, clock.now());
  await app.vault.keysOf(config.tenant);
  await options.prepare?.(app);
  await nameRefusedAccounts(app, config.tenant);

  const { bus, trim } = await createBus({ ...options, database });
  started.push({ name: 'bus', stop: () => bus.close() });

  const watchesBacklog = config.roles.jobs || config.roles.consumer;
  const backlog = new BacklogWatch(app, { bus, topic: config.topics.orders, group: config.consumerGroup });
  const http = createHttpServer(app, {
    roles: config.roles,
    publicUrl: config.publicUrl,
    trustedProxies: config.trustedProxies,
    apiRate: config.apiRate,
    version: VERSION,
    ready: () => readyReport(app, watchesBacklog ? backlog : null),
    watchesLoop: true,
  });
  if (watchesBacklog) {
    const watching = startJob(backlog.job, app);
    started.push({ name: watching.name, stop: () => watching.stop() });
  }
  // A server vacuums by itself. The embedded database belongs to this process, whatever its roles.
  if (config.databaseUrl === null) {
    const { vacuumNext } = await import('./storage/pglite/vacuum-next.ts');
    const vacuuming = startJob(vacuumer({ vacuumNext: () => vacuumNext(database), log }), app);
    started.push({ name: vacuuming.name, stop: () => vacuuming.stop() });
  }
  if (config.roles.jobs) startJobs(config, app, { bus, trim }, started);
  if (config.roles.consumer) startConsumer(config, app, bus, started);
  const url = await listen(http, config, app.clock);
  started.push({ name: 'http', stop: () => http.close() });
  log.info({ url, durability: app.storage.durability, roles: config.roles }, 'Maskline is running.');
  return { app, bus, url, stop: () => stopAll(started, log) };
}

function createApp(options: ServiceOptions, database: Parameters<typeof createSqlStorage>[0]): App {
  const { config, clock, random, log } = options;
  const storage = createSqlStorage(database);
  const masterKeys = [options.masterKey, ...(options.masterKeyAlso ? [options.masterKeyAlso] : [])];
  const vault = new Vault(masterKeys, storage.keys, clock, random, options.masterKeysHeld);
  const metrics = createMetrics({
    processMetrics: true,
    ...(options.droppedLogLines && { droppedLogLines: options.droppedLogLines }),
  });
  const wake = { outbox: new Signal(), stock: new Signal(), pending: new Signal() };
  const parts = { storage, clock, random, log, metrics, wake };
  return {
    storage,
    vault,
    clock,
    random,
    log,
    metrics,
    profiles: config.profiles ? createHttpProfileDirectory(config.profiles) : noProfileDirectory,
    providerAccounts: createProviderAccounts({
      storage,
      vault,
      clock,
      factories: providerFactories({ clock }),
      publicUrl: config.publicUrl,
    }),
    wake,
    callCaps: new CallCaps(parts, config.callCaps),
    ...(options.destinationsDefault && { destinationsDefault: options.destinationsDefault }),
    stockWatch: new StockWatch(),
    // A developer who tries what is refused shall not be locked out for it.
    ...(config.databaseUrl !== null && {
      refusalLimits: new RefusalLimits(clock),
      refusalGridMs: REFUSAL_GRID_MS,
    }),
    poolRules: new PoolRules({ storage, clock }),
    // On the embedded database there is one process, and it is a developer's.
    allowsLoopbackWebhooks: config.databaseUrl === null,
  };
}

/** Longer than any refusal takes on a machine that is not in trouble, and shorter than anybody notices. */
const REFUSAL_GRID_MS = 20;

async function readyReport(app: App, backlog: BacklogWatch | null): Promise<ReadyReport> {
  const database = await Promise.race([
    app.storage.system.ping().then(
      () => true,
      () => false,
    ),
    new Promise<false>((resolve) => app.clock.after(READY_TIMEOUT_MS, () => resolve(false))),
  ]);
  return {
    ready: database && app.vault.usable,
    checks: {
      ...(!app.vault.usable && {
        masterKey: {
          ok: false,
          detail: 'The master key was not confirmed for 15 minutes; the log says why.',
        },
      }),
      database: database ? { ok: true } : { ok: false, detail: 'The database does not answer.' },
      durability: { ok: true, detail: app.storage.durability },
      // For whoever looks: a service that has lost Kafka still answers every call.
      ...backlog?.checks,
    },
  };
}

async function listen(http: FastifyInstance, config: ServiceConfig, clock: Clock): Promise<string> {
  try {
    return await listenWide(http, { host: config.host, port: config.port, clock });
  } catch (error) {
    await http.close();
    throw portError(error, 'MASKLINE_PORT', config.port);
  }
}
