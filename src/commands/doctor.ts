import { Command } from 'commander';
import { inspectServeConfig } from '../config.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { takeMasterKeys } from '../master-key-sources.ts';
import { openPostgres } from '../storage/postgres/open-postgres.ts';
import { examineAccounts } from './examine-accounts.ts';
import { examineDatabase } from './examine-database.ts';
import { examineKafka } from './examine-kafka.ts';
import { type Finding, fail, messageOf, ok, warn } from './finding.ts';

const HELP = `
Looks at the settings of \`maskline serve\`, the database (reachable, version, confined roles, schema, durability,
clock), the master key and data keys, the provider accounts and what proves their webhooks, the API keys, and Kafka
(brokers, topics). It changes nothing.

Exit code: 0 when nothing failed, 1 otherwise. Environment: as \`maskline serve\`.`;

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check settings, database, keys, provider accounts and Kafka, and say what to do')
    .addHelpText('after', HELP)
    .action(async () => {
      const findings = await examine(process.env);
      for (const finding of findings) process.stdout.write(`${render(finding)}\n`);
      const failed = findings.filter(({ level }) => level === 'fail').length;
      const warned = findings.filter(({ level }) => level === 'warn').length;
      process.stdout.write(`${findings.length} checks: ${failed} failed, ${warned} to look at.\n`);
      if (failed > 0) process.exitCode = 1;
    });
}

async function examine(environment: NodeJS.ProcessEnv): Promise<Finding[]> {
  const { config, databaseUrl, masterKeys: origins, violations, unknown } = inspectServeConfig(environment);
  const findings =
    violations.length === 0
      ? [ok('The settings can be served.')]
      : violations.map((violation) => fail('A setting cannot be served.', violation));
  for (const name of unknown) {
    findings.push(
      warn(
        `${name} is no setting.`,
        'Nothing reads it: `maskline serve --help` says how the settings are spelt.',
      ),
    );
  }
  let masterKeys: readonly Uint8Array[] | null = null;
  if (origins !== null) {
    try {
      masterKeys = (await takeMasterKeys(origins)).keys;
    } catch (error) {
      findings.push(fail('The master key is not to be had.', messageOf(error)));
    }
  }
  if (databaseUrl !== null) {
    try {
      const database = await openPostgres({
        connectionString: databaseUrl,
        poolSize: 2,
        applicationName: 'maskline-doctor',
        transactionPooler: config.transactionPooler,
        clock: systemClock,
        random: systemRandom,
      });
      try {
        findings.push(...(await examineDatabase(database, systemClock)));
        if (!findings.some(isSchemaTrouble))
          findings.push(...(await examineAccounts(database, config, masterKeys)));
      } finally {
        await database.close();
      }
    } catch (error) {
      findings.push(
        fail(messageOf(error), 'Check DATABASE_URL, the network, and that the server takes writes.'),
      );
    }
  }
  if (config.kafka) findings.push(...(await examineKafka(config.kafka, config.topics)));
  return findings;
}

/** Without the schema, every question about what is in it would only fail in another way. */
function isSchemaTrouble(finding: Finding): boolean {
  return finding.level === 'fail' && finding.what.startsWith('Schema');
}

function render({ level, what, advice }: Finding): string {
  return `${level.padEnd(5)}${what}${advice === undefined ? '' : `\n     → ${advice}`}`;
}
