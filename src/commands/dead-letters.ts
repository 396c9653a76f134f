import { Command, InvalidArgumentError } from 'commander';
import type { Bus, BusMessage } from '../bus/bus.ts';
import { deleteKafkaGroup, describeKafka } from '../bus/kafka/kafka-admin.ts';
import { createKafkaBus } from '../bus/kafka/kafka-bus.ts';
import { readDatabaseConfig, readKafkaConfig, readMasterKeyConfig, type Topics } from '../config.ts';
import { type DeadLetterEntry, foldDeadLetters, redriveMarker } from '../consumers/dead-letter-log.ts';
import { openDeadLetter, tenantOfDeadLetter } from '../consumers/dead-letter.ts';
import { readTopic } from '../consumers/read-topic.ts';
import { kafkaConnection } from '../create-bus.ts';
import { systemClock } from '../lib/clock.ts';
import { createId } from '../lib/id.ts';
import { systemRandom } from '../lib/random.ts';
import { takeMasterKeys } from '../master-key-sources.ts';
import { silentLog } from '../observe/log.ts';
import { type TenantKeys, Vault } from '../privacy/vault.ts';
import { createSqlStorage } from '../storage/sql/sql-storage.ts';
import { askKafka } from './ask-kafka.ts';
import { withCommandDatabase } from './command-database.ts';
import { withPhases } from './progress.ts';

const HELP_ID = 'A dead letter is named by where its original stood: <topic>/<partition>/<offset>.';

export function deadLettersCommand(): Command {
  const deadLetters = new Command('dead-letters').description(
    'look at order events that could not be processed, and put them back',
  );
  deadLetters
    .command('list')
    .description('list them: position, time, reason; never what they hold')
    .option('--all', 'those that were put back already, too')
    .addHelpText('after', `\n${HELP_ID}\nEnvironment: KAFKA_BROKERS, MASKLINE_TOPIC_DEAD_LETTER.`)
    .action((options: { all?: boolean }) =>
      withBus(async ({ entries }) => {
        const shown = entries.filter((entry) => options.all === true || entry.redrivenAt === null);
        for (const entry of shown) print(describe(entry));
        print(`${shown.length} dead letters.`);
      }),
    );
  deadLetters
    .command('redrive')
    .description('publish the original bytes to the orders topic again')
    .argument('[ids...]', 'as `maskline dead-letters list` shows them', positions)
    .option('--all', 'every dead letter that was not put back yet')
    .option('--dry-run', 'say which, and publish nothing')
    .addHelpText(
      'after',
      `\n${HELP_ID}\nAn event that was applied meanwhile is known by its id, so putting it back twice changes nothing.\n` +
        'Environment: KAFKA_BROKERS, DATABASE_URL, MASKLINE_MASTER_KEY, MASKLINE_TOPIC_….',
    )
    .action(redrive);
  return deadLetters;
}

async function redrive(ids: readonly string[], options: { all?: boolean; dryRun?: boolean }): Promise<void> {
  if (ids.length > 0 === (options.all === true)) {
    throw new Error('Name the dead letters to put back, or give --all.');
  }
  await withBus(async ({ bus, topics, entries }) => {
    const chosen = options.all
      ? entries.filter(({ redrivenAt, complete }) => redrivenAt === null && complete)
      : ids.map((id) => {
          const entry = entries.find((candidate) => candidate.id === id);
          if (!entry) throw new Error(`There is no dead letter ${id}: see \`maskline dead-letters list\`.`);
          return entry;
        });
    const cut = chosen.find(({ complete }) => !complete);
    if (cut) throw new Error(`${cut.id} was too large to be kept whole; only its own topic has all of it.`);
    if (options.dryRun || chosen.length === 0) {
      for (const entry of chosen) print(`Would put back ${describe(entry)}`);
      print(`${chosen.length} dead letters would be put back.`);
      return;
    }
    await withKeys(async (keysOf) => {
      for (const entry of chosen) {
        await bus.publish(topics.orders, [await originalOf(entry, keysOf)]);
        // After it: a crash in between puts the event back twice, which the inbox knows.
        await bus.publish(topics.deadLetter, [redriveMarker(entry, systemClock.now())]);
        print(`Put back ${entry.id}.`);
      }
    });
  });
}

async function originalOf(
  { id, message }: DeadLetterEntry,
  keysOf: (tenant: string) => Promise<TenantKeys>,
): Promise<BusMessage> {
  const tenant = tenantOfDeadLetter(message);
  if (tenant === null) throw new Error(`${id} does not say whose it is.`);
  const { key, value, headers } = openDeadLetter(message, await keysOf(tenant)).original;
  return { key, value, headers };
}

async function withKeys(
  work: (keysOf: (tenant: string) => Promise<TenantKeys>) => Promise<void>,
): Promise<void> {
  const { keys: masterKeys } = await takeMasterKeys(readMasterKeyConfig(process.env));
  await withCommandDatabase(readDatabaseConfig(process.env), async (database) => {
    const vault = new Vault(masterKeys, createSqlStorage(database).keys, systemClock, systemRandom);
    await work((tenant) => vault.keysOf(tenant));
  });
}

async function withBus(
  work: (context: { bus: Bus; topics: Topics; entries: readonly DeadLetterEntry[] }) => Promise<void>,
): Promise<void> {
  const { kafka, topics } = readKafkaConfig(process.env);
  const connection = kafkaConnection(kafka);
  // First, because a consumer waits for a broker as long as it takes.
  const found = await askKafka(() => describeKafka(connection, [topics.deadLetter]));
  if (!found.topics.get(topics.deadLetter)) {
    throw new Error(
      `Topic ${topics.deadLetter} is missing. Run \`maskline migrate --topics\`, or look at MASKLINE_TOPIC_DEAD_LETTER.`,
    );
  }
  const bus = createKafkaBus({ ...connection, clock: systemClock, random: systemRandom, log: silentLog });
  const group = createId('maskline-dead-letters', systemClock, systemRandom);
  try {
    const messages = await withPhases((at) => {
      at(`Reading topic ${topics.deadLetter}`);
      return readTopic(bus, { topic: topics.deadLetter, group, clock: systemClock });
    });
    await work({ bus, topics, entries: foldDeadLetters(messages) });
  } finally {
    await bus.close();
    // Brokers forget unused groups after a week by themselves.
    await deleteKafkaGroup(connection, group).catch(() => {});
  }
}

function describe({ id, reason, detail, failedAt, bytes, complete, redrivenAt }: DeadLetterEntry): string {
  const size = complete ? `${bytes} bytes` : `${bytes} bytes, cut`;
  const state = redrivenAt === null ? '' : `  put back ${redrivenAt}`;
  return `${id}  ${failedAt}  ${reason}  ${size}  ${detail}${state}`;
}

function positions(text: string, before: readonly string[] | undefined): string[] {
  if (!/^[^\s/]+\/[0-9]+\/[0-9]+$/.test(text)) {
    throw new InvalidArgumentError('It must be <topic>/<partition>/<offset>.');
  }
  return [...(before ?? []), text];
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
