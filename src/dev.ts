import { Buffer } from 'node:buffer';
import { isDeepStrictEqual } from 'node:util';
import { buildPages, PAGES_DIRECTORY } from '../demos/delivery/server/build-pages.ts';
import { startDelivery } from '../demos/delivery/server/start-delivery.ts';
import { startSimulator } from '../simulator/start-simulator.ts';
import { webhookUrls } from './app/adopt-number.ts';
import type { App } from './app/app.ts';
import { createPool } from './app/create-pool.ts';
import { replenishPool } from './app/replenish-pool.ts';
import { updatePool } from './app/update-pool.ts';
import type { DevConfig } from './config.ts';
import { createTopics } from './create-topics.ts';
import { DataDirectory } from './data-directory.ts';
import { DESTINATIONS_DEFAULT, SIMULATED_DESTINATIONS } from './domain/destination.ts';
import { CALL_COUNTS, POLICY_DEFAULTS, POOL_LIMITS, type Pool } from './domain/pool.ts';
import { ALL_SCOPES } from './http/scopes.ts';
import { systemClock } from './lib/clock.ts';
import { createId } from './lib/id.ts';
import { type Random, systemRandom } from './lib/random.ts';
import { type Service, startService } from './main.ts';
import { portError } from './port-error.ts';
import type { Log, RootLog } from './observe/log.ts';
import { createApiKey, hashApiKey } from './privacy/api-key.ts';
import { type SealedCredentials, webhookBase } from './providers/provider-accounts.ts';
import { lockDirectory } from './storage/pglite/directory-lock.ts';

export const DEV_POOL = 'default';
export const DEV_ACCOUNT = 'simulator';
const TOKEN_BYTES = 24;
const DEV_PARTITIONS = 3;
const REPOINT_TIMEOUT_MS = 30_000;

export interface Development {
  readonly masklineUrl: string;
  readonly simulatorUrl: string;
  readonly deliveryUrl: string;
  readonly apiKey: string;
  readonly dataDirectory: string;
  /** Resolves once the pages of the demo can be seen. */
  readonly pagesReady: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Everything in one process: the service on embedded parts, the simulator as telecom operator, and the delivery
 * company with its pages. What they keep is in one directory, which is locked.
 */
export async function startDevelopment(config: DevConfig, log: RootLog): Promise<Development> {
  const random = systemRandom;
  const directory = new DataDirectory(config.dataDir, random);
  const lock = await lockDirectory(directory.path, systemClock);
  const stops: (() => Promise<void>)[] = [() => lock.release()];
  const stop = async (): Promise<void> => {
    for (let one = stops.pop(); one; one = stops.pop()) {
      await one().catch((error: unknown) => log.warn({ error }, 'A part did not stop cleanly.'));
    }
  };
  try {
    return await startParts({ config, log, random, directory, stops, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Parts {
  readonly config: DevConfig;
  readonly log: RootLog;
  readonly random: Random;
  readonly directory: DataDirectory;
  readonly stops: (() => Promise<void>)[];
  readonly stop: () => Promise<void>;
}

async function startParts(parts: Parts): Promise<Development> {
  const { config, log, random, directory, stops, stop } = parts;
  const apiKey = config.apiKey ?? directory.secretText('dev-api-key', () => createApiKey(random));
  const profileToken = directory.secretText('profile-token', () => token(random));
  const pagesReady = buildPages({ log });
  // It is awaited by whoever shows the pages; a failure must not end the process before that.
  pagesReady.catch((error: unknown) => log.error({ error }, 'The pages of the demo could not be built.'));

  await ensureTopics(config, log);
  let simulatorUrl = '';
  const service: Service = await startService({
    config: {
      ...config,
      profiles: { url: `http://${loopback(config.host)}:${config.deliveryPort}`, token: profileToken },
    },
    masterKey: directory.secretBytes('master.key'),
    migrates: true,
    destinationsDefault: SIMULATED_DESTINATIONS,
    embeddedDirectory: directory.path,
    clock: systemClock,
    random,
    log,
    prepare: async (app) => {
      await ensureApiKey(app, config.tenant, apiKey);
      simulatorUrl = await prepareSimulator(app, parts);
      await ensurePool(app, config.tenant);
      await stockUp(app, config.tenant, log);
    },
  });
  stops.push(() => service.stop());

  const delivery = await startDelivery({
    host: config.host,
    port: config.deliveryPort,
    stateFile: directory.file('delivery.sqlite'),
    bus: service.bus,
    topics: { orders: config.topics.orders, masking: config.topics.masking },
    pool: DEV_POOL,
    masklineUrl: service.url,
    masklineApiKey: apiKey,
    simulatorUrl,
    profileToken,
    clock: systemClock,
    random,
    assetsDir: PAGES_DIRECTORY,
    pagesReady,
    log,
  }).catch((error: unknown) => {
    throw portError(error, 'DELIVERY_PORT', config.deliveryPort);
  });
  stops.push(() => delivery.stop());
  return {
    masklineUrl: service.url,
    simulatorUrl,
    deliveryUrl: delivery.url,
    apiKey,
    dataDirectory: directory.path,
    pagesReady,
    stop,
  };
}

/** Nobody who tries this out has made topics. A Kafka that is away is no reason not to start: calls work without. */
async function ensureTopics(config: DevConfig, log: Log): Promise<void> {
  if (!config.kafka) return;
  await createTopics(config.kafka, config.topics, { partitions: DEV_PARTITIONS }).catch((error: unknown) =>
    log.warn({ error }, 'The topics could not be made; start again once Kafka answers.'),
  );
}

async function ensureApiKey(app: App, tenant: string, apiKey: string): Promise<void> {
  const hash = hashApiKey(apiKey);
  if (await app.storage.system.apiKeyByHash(hash)) return;
  await app.storage.run(tenant, (storage) =>
    storage.apiKeys.insert(
      {
        tenant,
        hash,
        id: createId('key', app.clock, app.random),
        name: 'development',
        scopes: [...ALL_SCOPES],
        expiresAt: null,
        revokedAt: null,
      },
      app.clock.now(),
    ),
  );
}

/** Makes the account at the simulator, if this is the first start, and starts the simulator with its secrets. */
async function prepareSimulator(app: App, parts: Parts): Promise<string> {
  const { config, log, random, directory, stops } = parts;
  const { tenant } = config;
  const host = loopback(config.host);
  const baseUrl = `http://${host}:${config.simulatorPort}`;
  const keys = await app.vault.keysOf(tenant);
  const known = await app.storage.run(tenant, (storage) => storage.providerAccounts.get(DEV_ACCOUNT));
  const id = known?.id ?? createId('acc', app.clock, random);
  const place = { table: 'provider_account', row: id } as const;
  const kept = known
    ? (JSON.parse(keys.openText(known.sealedCredentials, place)) as SealedCredentials)
    : null;
  const sharedSecret = sharedSecretOf(kept) ?? token(random);
  const sealed: SealedCredentials = {
    pathSecret: kept?.pathSecret ?? token(random),
    // The address is written anew each time: the port may be another than last time.
    credentials: { baseUrl, sharedSecret },
  };
  const row = {
    tenant,
    id,
    name: DEV_ACCOUNT,
    provider: 'simulator',
    settings: { webhookOrigin: config.publicUrl },
    sealedCredentials: keys.sealText(JSON.stringify(sealed), place),
  };
  await app.storage.run(tenant, (storage) =>
    known ? storage.providerAccounts.update(row) : storage.providerAccounts.insert(row, app.clock.now()),
  );
  const simulator = await startSimulator({
    host: config.host,
    port: config.simulatorPort,
    stateFile: directory.file('simulator.sqlite'),
    clock: app.clock,
    random,
    account: { sharedSecret, webhookBase: webhookBase(config.publicUrl, row, sealed.pathSecret) },
    log: (line) => log.warn({ part: 'simulator' }, line),
  }).catch((error: unknown) => {
    throw portError(error, 'SIMULATOR_PORT', config.simulatorPort);
  });
  stops.push(() => simulator.stop());
  if (known && !isPointedAt(known.settings, config.publicUrl)) await repointNumbers(app, tenant);
  return simulator.url;
}

function isPointedAt(settings: unknown, origin: string): boolean {
  return (
    typeof settings === 'object' &&
    settings !== null &&
    'webhookOrigin' in settings &&
    settings.webhookOrigin === origin
  );
}

/** This start has another address than the last one; the operator would ask at the old one. */
async function repointNumbers(app: App, tenant: string): Promise<void> {
  const account = await app.providerAccounts.byName(tenant, DEV_ACCOUNT);
  if (!account) return;
  const signal = AbortSignal.timeout(REPOINT_TIMEOUT_MS);
  for (const held of await account.provider.listNumbers(signal)) {
    await account.provider.configureNumber(held, { urls: webhookUrls(account) }, signal);
  }
}

function sharedSecretOf(kept: SealedCredentials | null): string | null {
  const credentials = kept?.credentials;
  if (typeof credentials !== 'object' || credentials === null || !('sharedSecret' in credentials))
    return null;
  return typeof credentials.sharedSecret === 'string' ? credentials.sharedSecret : null;
}

async function ensurePool(app: App, tenant: string): Promise<void> {
  const known = await app.storage.run(tenant, (storage) => storage.pools.get(DEV_POOL));
  if (known) return allowSimulated(app, tenant, known);
  const pool: Pool = {
    ...POLICY_DEFAULTS,
    // Somebody who tries things out calls more often than anybody who waits for a parcel.
    concurrentCallsMax: CALL_COUNTS.concurrentCallsMax.maximum,
    hourlyAttemptsMax: CALL_COUNTS.hourlyAttemptsMax.maximum,
    destinations: SIMULATED_DESTINATIONS,
    name: DEV_POOL,
    mode: 'dedicated',
    selection: 'avoid_sticky',
    countries: ['US', 'GB'],
    numberQuarantineSeconds: POOL_LIMITS.numberQuarantineSeconds.default,
    pairQuarantineSeconds: POOL_LIMITS.pairQuarantineSeconds.default,
    graceSeconds: POOL_LIMITS.graceSeconds.default,
    sessionTtlSeconds: POOL_LIMITS.sessionTtlSeconds.default,
    ringTimeoutSeconds: POOL_LIMITS.ringTimeoutSeconds.default,
    maxCallSeconds: POOL_LIMITS.maxCallSeconds.default,
    stock: { providerAccount: DEV_ACCOUNT, fallbackAccounts: [], lowWater: 20, target: 40, max: 5_000 },
  };
  await createPool(app, { tenant, pool });
}

/** A pool of a data directory from before there were rules on destinations has the rule of production. */
async function allowSimulated(app: App, tenant: string, pool: Pool): Promise<void> {
  if (!isDeepStrictEqual(pool.destinations, DESTINATIONS_DEFAULT)) return;
  await updatePool(app, { tenant, name: pool.name, changes: { destinations: SIMULATED_DESTINATIONS } });
}

/** So that the first visitor's first order finds numbers. Should the operator fail, the stock keeper goes on. */
async function stockUp(app: App, tenant: string, log: Log): Promise<void> {
  try {
    await replenishPool(app, tenant, DEV_POOL);
  } catch (error) {
    log.warn({ error }, 'The first numbers could not be bought; trying again in the background.');
  }
}

function token(random: Random): string {
  return Buffer.from(random.bytes(TOKEN_BYTES)).toString('base64url');
}

/** Where a server that listens on `host` is reached from this machine. */
function loopback(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
}
