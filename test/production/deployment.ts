import { randomBytes } from 'node:crypto';
import type { Topics } from '../../src/config.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { openPostgres } from '../../src/storage/postgres/open-postgres.ts';
import type { PostgresDatabase } from '../../src/storage/postgres/postgres-database.ts';
import { databaseUrl, runAsAdmin } from '../../src/storage/testing/open-test-postgres.ts';
import { type PostgresServer, startPostgresServer } from '../../src/storage/testing/postgres-server.ts';
import { createTopics } from './kafka-topics.ts';
import { runCommand } from './replica.ts';
import { type SeedOptions, seed } from './seed.ts';

export interface Deployment {
  readonly server: PostgresServer;
  readonly databaseUrl: string;
  /** of the test itself, beside the replicas */
  readonly database: PostgresDatabase;
  readonly masterKey: Uint8Array;
  readonly topics: Topics;
  readonly brokers: string;
  /** an API key with every scope */
  readonly apiKey: string;
  /** what `maskline serve` needs */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export interface DeploymentOptions extends Pick<SeedOptions, 'numbers' | 'pool'> {
  readonly postgres?: Record<string, string>;
  /** a server that somebody else starts and stops, and what the service shall know it by */
  readonly given?: { readonly adminUrl: string; readonly url: string };
}

/** A PostgreSQL server, topics of their own on a real Kafka, a migrated and stocked database, an API key. */
export async function createDeployment(brokers: string, options: DeploymentOptions): Promise<Deployment> {
  const { given } = options;
  const server = given
    ? strangeServer(given.adminUrl)
    : await startPostgresServer({ synchronous_commit: 'on', ...options.postgres });
  await runAsAdmin(server.url, 'create database maskline');
  const url = given?.url ?? databaseUrl(server.url, 'maskline');
  const masterKey = randomBytes(32);
  const topics = await createTopics(brokers);
  const environment = {
    DATABASE_URL: url,
    KAFKA_BROKERS: brokers,
    MASKLINE_MASTER_KEY: masterKey.toString('base64'),
    MASKLINE_PUBLIC_URL: 'http://127.0.0.1:1',
    MASKLINE_TOPIC_ORDERS: topics.orders,
    MASKLINE_TOPIC_MASKING: topics.masking,
    MASKLINE_TOPIC_DEAD_LETTER: topics.deadLetter,
    MASKLINE_CONSUMER_GROUP: `maskline-${topics.orders}`,
    MASKLINE_LOG_LEVEL: 'info',
  };
  const migrated = await runCommand(['migrate'], environment);
  if (migrated.code !== 0) throw new Error(migrated.stderr);
  const database = await openPostgres({
    connectionString: url,
    clock: systemClock,
    random: systemRandom,
    poolSize: 4,
    connectTimeoutMs: 10_000,
    statementTimeoutMs: 60_000,
  });
  await seed({ database, masterKey, ...options });
  const created = await runCommand(['keys', 'create', 'test'], environment);
  const { MASKLINE_PUBLIC_URL: _, ...serving } = environment;
  return {
    server,
    databaseUrl: url,
    database,
    masterKey,
    topics,
    brokers,
    apiKey: created.stdout.trim(),
    environment: serving,
    async stop() {
      await database.close();
      await server.stop();
    },
  };
}

function strangeServer(url: string): PostgresServer {
  const refuse = async (): Promise<never> => {
    throw new Error('This server belongs to somebody else.');
  };
  return { url, halt: refuse, resume: refuse, async stop() {} };
}
