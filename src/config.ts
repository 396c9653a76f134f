import { isBroker, readDatabaseUrl, readPublicUrl, readTrustedProxies } from './address-settings.ts';
import { readMasterKeys } from './master-key-settings.ts';
import type { MasterKeyOrigins } from './master-key-sources.ts';
import type { CallCapPolicy } from './app/call-caps.ts';
import { ConfigError, type Environment, isPrivateOrSafe, SettingsReader } from './settings-reader.ts';

export interface Roles {
  readonly api: boolean;
  readonly webhooks: boolean;
  readonly consumer: boolean;
  readonly jobs: boolean;
}

export const ROLE_NAMES = ['api', 'webhooks', 'consumer', 'jobs'] as const;

export interface Topics {
  readonly orders: string;
  readonly masking: string;
  readonly deadLetter: string;
}

const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;
export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

export interface KafkaConfig {
  readonly brokers: readonly string[];
  readonly sasl: {
    readonly mechanism: SaslMechanism;
    readonly username: string;
    readonly password: string;
  } | null;
  readonly tls: boolean;
}

/** What both `serve` and `dev` need. */
export interface ServiceConfig {
  readonly host: string;
  readonly port: number;
  /** scheme, host and port under which providers reach the webhooks, without a slash at the end */
  readonly publicUrl: string;
  readonly roles: Roles;
  readonly tenant: string;
  readonly logLevel: string;
  readonly trustedProxies: readonly string[];
  /** what one API key may ask of one process, and save up */
  readonly apiRate: { readonly unitsPerSecond: number; readonly burst: number };
  readonly callCaps: CallCapPolicy;
  readonly databaseUrl: string | null;
  /** connections of one process */
  readonly databasePoolSize: number;
  /** for how long a start waits for a database that cannot be reached */
  readonly databaseWaitSeconds: number;
  /** whether a pooler such as PgBouncer in transaction mode stands in between */
  readonly transactionPooler: boolean;
  readonly kafka: KafkaConfig | null;
  readonly topics: Topics;
  readonly consumerGroup: string;
  /** days for which history is kept after its end */
  readonly retention: {
    readonly callDays: number;
    readonly sessionDays: number;
    readonly numberDays: number;
    readonly inboxDays: number;
  };
  readonly profiles: { readonly url: string; readonly token: string } | null;
}

export interface ServeConfig extends ServiceConfig {
  readonly databaseUrl: string;
  readonly masterKeys: MasterKeyOrigins;
}

export interface DevConfig extends Omit<ServiceConfig, 'profiles'> {
  readonly dataDir: string;
  readonly simulatorPort: number;
  readonly deliveryPort: number;
  /** null: made once and kept in the data directory */
  readonly apiKey: string | null;
}

const DEFAULT_PORT = 8080;
const RETENTION_DAYS_MAXIMUM = 3_650;
const DEV_API_KEY_CHARACTERS_MINIMUM = 8;
const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'];

export function readDevConfig(environment: Environment): DevConfig {
  const reader = new SettingsReader(environment);
  const service = readService(reader, { host: '127.0.0.1', logLevel: 'warn' });
  const apiKey = reader.optional('MASKLINE_DEV_API_KEY');
  if (apiKey !== null && apiKey.length < DEV_API_KEY_CHARACTERS_MINIMUM) {
    reader.violate(`MASKLINE_DEV_API_KEY needs at least ${DEV_API_KEY_CHARACTERS_MINIMUM} characters.`);
  }
  const config = {
    ...service,
    apiKey,
    dataDir: reader.text('MASKLINE_DATA_DIR', '.maskline'),
    simulatorPort: reader.port('SIMULATOR_PORT', 8081),
    deliveryPort: reader.port('DELIVERY_PORT', 8082),
  };
  const ports = [config.port, config.simulatorPort, config.deliveryPort].filter((port) => port !== 0);
  if (new Set(ports).size !== ports.length) {
    reader.violate('MASKLINE_PORT, SIMULATOR_PORT and DELIVERY_PORT must differ from each other.');
  }
  reader.finish();
  return config;
}

export function readServeConfig(environment: Environment): ServeConfig {
  const { config, databaseUrl, masterKeys, violations } = inspectServeConfig(environment);
  if (violations.length > 0 || databaseUrl === null || masterKeys === null) throw new ConfigError(violations);
  return { ...config, databaseUrl, masterKeys };
}

/** What can be read of the settings of `serve`, however much is wrong with them. */
export interface InspectedServeConfig {
  readonly config: ServiceConfig;
  readonly databaseUrl: string | null;
  readonly masterKeys: MasterKeyOrigins | null;
  /** empty when `serve` would accept them */
  readonly violations: readonly string[];
  /** variables that nothing reads */
  readonly unknown: readonly string[];
}

export function inspectServeConfig(environment: Environment): InspectedServeConfig {
  const reader = new SettingsReader(environment);
  const service = readService(reader, { host: '0.0.0.0', logLevel: 'info' });
  const { databaseUrl } = service;
  if (databaseUrl === null) {
    reader.violate(
      'DATABASE_URL is missing. `serve` needs a PostgreSQL of version 15 or later; `dev` brings its own.',
    );
  }
  if (service.kafka === null && service.roles.consumer) {
    reader.violate('KAFKA_BROKERS is missing. Set it, or leave the role `consumer` out of MASKLINE_ROLES.');
  }
  if (service.kafka === null && service.roles.jobs) {
    reader.violate(
      'KAFKA_BROKERS is missing. Set it, or leave the role `jobs`, which publishes events, out of MASKLINE_ROLES.',
    );
  }
  if (reader.optional('MASKLINE_PUBLIC_URL') === null) {
    reader.violate(
      'MASKLINE_PUBLIC_URL is missing: the https address under which your providers reach this service.',
    );
  }
  if (!isPrivateOrSafe(service.publicUrl)) {
    reader.violate(
      'MASKLINE_PUBLIC_URL must begin with https://, because the answer to a webhook holds a real number.',
    );
  }
  if (reader.optional('MASKLINE_DEV_API_KEY') !== null) {
    reader.violate('MASKLINE_DEV_API_KEY is for `dev` only. Make a key with `maskline keys create`.');
  }
  const masterKeys = readMasterKeys(reader);
  const { violations } = reader;
  return { config: service, databaseUrl, masterKeys, violations, unknown: reader.unknown() };
}

export interface CommandConfig {
  readonly service: ServiceConfig;
  readonly databaseUrl: string;
}

/** For commands that work on the database of a service. @throws ConfigError */
export function readDatabaseConfig(environment: Environment): CommandConfig {
  const reader = new SettingsReader(environment);
  const service = readService(reader, { host: '0.0.0.0', logLevel: 'info' });
  const { databaseUrl } = service;
  if (databaseUrl === null)
    reader.violate('DATABASE_URL is missing: postgres://user:password@host:5432/database');
  reader.finish();
  return { service, databaseUrl: databaseUrl ?? '' };
}

/** For commands that work on the topics of a service. @throws ConfigError */
export function readKafkaConfig(environment: Environment): { kafka: KafkaConfig; topics: Topics } {
  const reader = new SettingsReader(environment);
  const { kafka, topics } = readService(reader, { host: '0.0.0.0', logLevel: 'info' });
  if (kafka === null) reader.violate('KAFKA_BROKERS is missing: host:port, separated by commas.');
  reader.finish();
  if (kafka === null) throw new ConfigError([]);
  return { kafka, topics };
}

/** For commands that open what is sealed. @throws ConfigError */
export function readMasterKeyConfig(environment: Environment): MasterKeyOrigins {
  const reader = new SettingsReader(environment);
  const masterKeys = readMasterKeys(reader);
  reader.finish();
  if (masterKeys === null) throw new ConfigError([]);
  return masterKeys;
}

function readService(reader: SettingsReader, defaults: { host: string; logLevel: string }): ServiceConfig {
  const host = reader.text('MASKLINE_HOST', defaults.host);
  const port = reader.port('MASKLINE_PORT', DEFAULT_PORT);
  return {
    host,
    port,
    publicUrl: readPublicUrl(reader, `http://127.0.0.1:${port}`),
    roles: readRoles(reader),
    tenant: reader.matching(
      'MASKLINE_TENANT',
      'default',
      /^[a-z0-9][a-z0-9_-]{0,62}$/,
      'lower-case letters, digits, _ and -',
    ),
    logLevel: reader.oneOf('MASKLINE_LOG_LEVEL', defaults.logLevel, LOG_LEVELS),
    trustedProxies: readTrustedProxies(reader),
    apiRate: readApiRate(reader),
    callCaps: readCallCaps(reader),
    databaseUrl: readDatabaseUrl(reader),
    databasePoolSize: reader.integer('MASKLINE_DATABASE_POOL_SIZE', 10, 2, 500),
    databaseWaitSeconds: reader.integer('MASKLINE_DATABASE_WAIT_SECONDS', 60, 0, 3_600),
    transactionPooler: reader.oneOf('MASKLINE_TRANSACTION_POOLER', 'false', ['true', 'false']) === 'true',
    kafka: readKafka(reader),
    topics: {
      orders: reader.topic('MASKLINE_TOPIC_ORDERS', 'orders'),
      masking: reader.topic('MASKLINE_TOPIC_MASKING', 'masking'),
      deadLetter: reader.topic('MASKLINE_TOPIC_DEAD_LETTER', 'orders.dead-letter'),
    },
    consumerGroup: reader.topic('MASKLINE_CONSUMER_GROUP', 'maskline'),
    retention: {
      callDays: reader.integer('MASKLINE_CALL_DAYS', 365, 1, RETENTION_DAYS_MAXIMUM),
      sessionDays: reader.integer('MASKLINE_SESSION_DAYS', 365, 31, RETENTION_DAYS_MAXIMUM),
      numberDays: reader.integer('MASKLINE_NUMBER_DAYS', 30, 1, RETENTION_DAYS_MAXIMUM),
      inboxDays: reader.integer('MASKLINE_INBOX_DAYS', 30, 7, RETENTION_DAYS_MAXIMUM),
    },
    profiles: readProfiles(reader),
  };
}

/** A burst is what two seconds give. */
function readApiRate(reader: SettingsReader): ServiceConfig['apiRate'] {
  const unitsPerSecond = reader.integer('MASKLINE_API_UNITS_PER_SECOND', 5_000, 20, 1_000_000);
  return { unitsPerSecond, burst: 2 * unitsPerSecond };
}

const CAP_DEFAULT = 1_000_000;
const CAP_MAXIMUM = 1_000_000_000;

/** In an hour of the clock. High enough for the largest; whoever sets them to what is usual loses less in an attack. */
function readCallCaps(reader: SettingsReader): CallCapPolicy {
  const cap = (name: string): number => reader.integer(name, CAP_DEFAULT, 1, CAP_MAXIMUM);
  return {
    tenant: {
      calls: cap('MASKLINE_CALLS_PER_HOUR'),
      minutes: cap('MASKLINE_CALL_MINUTES_PER_HOUR'),
    },
    providerAccount: {
      calls: cap('MASKLINE_ACCOUNT_CALLS_PER_HOUR'),
      minutes: cap('MASKLINE_ACCOUNT_CALL_MINUTES_PER_HOUR'),
    },
  };
}

function readRoles(reader: SettingsReader): Roles {
  const names = reader.list('MASKLINE_ROLES');
  const chosen = names.length === 0 ? [...ROLE_NAMES] : names;
  for (const name of chosen) {
    if (!ROLE_NAMES.some((known) => known === name)) {
      reader.violate(`MASKLINE_ROLES names "${name}"; the roles are ${ROLE_NAMES.join(', ')}.`);
    }
  }
  const has = (name: string): boolean => chosen.includes(name);
  return { api: has('api'), webhooks: has('webhooks'), consumer: has('consumer'), jobs: has('jobs') };
}

function readKafka(reader: SettingsReader): KafkaConfig | null {
  const brokers = reader.list('KAFKA_BROKERS');
  for (const broker of brokers) {
    if (!isBroker(broker)) reader.violate('KAFKA_BROKERS must be host:port, separated by commas.');
  }
  const named = reader.optional('KAFKA_SASL_MECHANISM');
  const mechanism = SASL_MECHANISMS.find((known) => known === named) ?? null;
  const username = reader.optional('KAFKA_SASL_USERNAME');
  const password = reader.optional('KAFKA_SASL_PASSWORD');
  const given = [named, username, password].filter((value) => value !== null).length;
  if (given !== 0 && given !== 3) {
    reader.violate(
      'KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD belong together: set all or none.',
    );
  }
  if (named !== null && mechanism === null) {
    reader.violate(`KAFKA_SASL_MECHANISM must be one of ${SASL_MECHANISMS.join(', ')}.`);
  }
  const tls = reader.oneOf('KAFKA_TLS', 'false', ['true', 'false']) === 'true';
  if (mechanism === 'PLAIN' && !tls) {
    reader.violate(
      'KAFKA_SASL_MECHANISM=PLAIN sends the password as it is. Set KAFKA_TLS=true, or use SCRAM.',
    );
  }
  if (brokers.length === 0) return null;
  const sasl =
    mechanism !== null && username !== null && password !== null ? { mechanism, username, password } : null;
  return { brokers, sasl, tls };
}

function readProfiles(reader: SettingsReader): { url: string; token: string } | null {
  const url = reader.optional('PROFILE_URL');
  const token = reader.secret('PROFILE_TOKEN');
  if (url === null) return null;
  if (token === null) {
    reader.violate('PROFILE_TOKEN is missing: the bearer token for PROFILE_URL.');
    return null;
  }
  return { url: reader.url('PROFILE_URL', url), token };
}
