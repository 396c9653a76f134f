import { Command } from 'commander';
import { readDatabaseConfig, readKafkaConfig } from '../config.ts';
import { createTopics } from '../create-topics.ts';
import { systemClock } from '../lib/clock.ts';
import { MIGRATIONS_DIRECTORY } from '../open-database.ts';
import { type MigrationProgress, migrate, readSchemaStatus } from '../storage/migrate.ts';
import { askKafka } from './ask-kafka.ts';
import { createBar } from './create-bar.ts';
import { withCommandDatabase } from './command-database.ts';
import { integerBetween } from './parse-integer.ts';

const DEFAULT_PARTITIONS = 12;

const HELP = `
Forward only, one process at a time (an advisory lock), each migration in one transaction. A schema that is newer
than this version is refused. Safe to run while replicas serve: see CONTRIBUTING on expand and contract.

Environment: DATABASE_URL; with --topics KAFKA_BROKERS (and KAFKA_TLS, KAFKA_SASL_…), MASKLINE_TOPIC_….
Exit code: 0 when the schema is up to date afterwards; 1 when it is not, or with --check when it is behind.`;

interface MigrateCommandOptions {
  readonly check?: boolean;
  readonly topics?: boolean;
  readonly partitions: number;
  readonly replicas?: number;
}

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('bring the schema of the database up to date')
    .option('--check', 'say what would be done, and change nothing')
    .option('--topics', 'create the Kafka topics that are missing, too')
    .option(
      '--partitions <count>',
      'partitions of a new topic: at most so many replicas share the work',
      integerBetween(1, 1_000),
      DEFAULT_PARTITIONS,
    )
    .option('--replicas <count>', 'copies of a new topic; default: as the brokers say', integerBetween(1, 9))
    .addHelpText('after', HELP)
    .action(async (options: MigrateCommandOptions) => {
      if (options.check) process.exitCode = await checkSchema();
      else await applyMigrations();
      if (options.topics && !options.check) await makeTopics(options);
    });
}

async function checkSchema(): Promise<number> {
  const { version, latest } = await withCommandDatabase(readDatabaseConfig(process.env), (database) =>
    readSchemaStatus(database, MIGRATIONS_DIRECTORY),
  );
  if (version === latest) {
    print(`The schema is up to date (version ${latest}).`);
    return 0;
  }
  print(`The schema is at version ${version}; version ${latest} is needed. Run \`maskline migrate\`.`);
  return 1;
}

async function applyMigrations(): Promise<void> {
  const bar = process.stdout.isTTY ? createBar({ clearOnComplete: false }) : null;
  let started = false;
  const onProgress = ({ number, name, state, last }: MigrationProgress): void => {
    if (!bar) {
      if (state === 'applied') print(`${number}/${last} ${name}`);
      return;
    }
    if (!started) bar.start(last, number - 1);
    started = true;
    bar.update(state === 'applied' ? number : number - 1);
  };
  try {
    const { applied, version } = await withCommandDatabase(readDatabaseConfig(process.env), (database) =>
      migrate(database, { directory: MIGRATIONS_DIRECTORY, clock: systemClock, onProgress }),
    );
    bar?.stop();
    print(
      applied.length === 0
        ? `The schema is up to date (version ${version}).`
        : `Applied ${applied.length}; the schema is at version ${version}.`,
    );
  } catch (error) {
    bar?.stop();
    throw error;
  }
}

async function makeTopics(options: MigrateCommandOptions): Promise<void> {
  const { kafka, topics } = readKafkaConfig(process.env);
  const created = await askKafka(() =>
    createTopics(kafka, topics, {
      partitions: options.partitions,
      ...(options.replicas !== undefined && { replicas: options.replicas }),
    }),
  );
  print(
    created.length === 0 ? 'Every topic was there, and was left as it is.' : `Created ${created.join(', ')}.`,
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
