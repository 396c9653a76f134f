import { Command } from 'commander';
import { readServeConfig } from '../config.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { standardOutput } from '../observe/line-writer.ts';
import { createLog } from '../observe/log.ts';
import { takeMasterKeys } from '../master-key-sources.ts';
import { onStopSignals } from '../stop-signals.ts';

const HELP = `
Environment (defaults):
  DATABASE_URL                      postgres://… of version 15 or later; several hosts separated by commas
  MASKLINE_DATABASE_POOL_SIZE 10    connections of this process
  MASKLINE_DATABASE_WAIT_SECONDS 60 a start waits so long for a database that is away; 0 tries once
  MASKLINE_TRANSACTION_POOLER false true behind PgBouncer in transaction mode
  KAFKA_BROKERS                     host:port, separated by commas
  KAFKA_TLS false, KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD
  MASKLINE_PUBLIC_URL               the https address under which your providers reach this service
  MASKLINE_MASTER_KEY               32 bytes in base64; or MASKLINE_MASTER_KEY_FILE
  MASKLINE_MASTER_KEY_COMMAND       instead: a program that prints it, such as \`aws kms decrypt …\`
  MASKLINE_MASTER_KEY_VAULT_URL     instead: Vault's transit engine; with …_VAULT_KEY, …_VAULT_TOKEN(_FILE) and
                                    …_VAULT_CIPHERTEXT(_FILE)
  MASKLINE_MASTER_KEY_ALSO          while it is being exchanged: the other one; or …_ALSO_FILE, …_ALSO_COMMAND
  MASKLINE_ROLES                    all of api, webhooks, consumer, jobs
  MASKLINE_HOST 0.0.0.0, MASKLINE_PORT 8080, MASKLINE_TENANT default, MASKLINE_TRUSTED_PROXIES
  MASKLINE_TOPIC_ORDERS orders, MASKLINE_TOPIC_MASKING masking
  MASKLINE_TOPIC_DEAD_LETTER orders.dead-letter, MASKLINE_CONSUMER_GROUP maskline
  MASKLINE_API_UNITS_PER_SECOND 5000  what one API key may ask of this process: a look-up is 1, a change 2, a list 5
  MASKLINE_CALLS_PER_HOUR 1000000, MASKLINE_CALL_MINUTES_PER_HOUR 1000000  of the tenant, in an hour of the clock
  MASKLINE_ACCOUNT_CALLS_PER_HOUR, MASKLINE_ACCOUNT_CALL_MINUTES_PER_HOUR  of each provider account: 1000000
  MASKLINE_CALL_DAYS 365            calls and texts, without words, are kept so long
  MASKLINE_SESSION_DAYS 365         closed sessions and their orders
  MASKLINE_NUMBER_DAYS 30           sealed real numbers of closed sessions
  MASKLINE_INBOX_DAYS 30            ids of events that were applied; must outlast the topic's own retention
  PROFILE_URL, PROFILE_TOKEN        where real numbers are looked up
  MASKLINE_LOG_LEVEL info           debug, info, warn, error or silent

The first SIGTERM or SIGINT drains: requests and batches in hand are finished, the group is left, the outbox is
flushed. The second ends the process at once; nothing that was acknowledged is lost by that.
Exit code 1: it refused to start, and says everything that is wrong at once.`;

export function serveCommand(): Command {
  return new Command('serve')
    .description('run the service, on PostgreSQL and Kafka, as one of any number of replicas')
    .option('--migrate', 'bring the schema up to date first; else a schema that is behind is refused')
    .addHelpText('after', HELP)
    .action(async (options: { migrate?: boolean }) => {
      const config = readServeConfig(process.env);
      const lines = standardOutput();
      const log = createLog({ level: config.logLevel, destination: lines });
      // Loaded when it is needed: the other commands would wait for all of it.
      const { startService } = await import('../main.ts');
      const lease = await takeMasterKeys(config.masterKeys, (error) =>
        log.error({ error }, 'The master key was not confirmed; calls are decided for 15 minutes without.'),
      );
      const [masterKey, masterKeyAlso = null] = lease.keys;
      const service = await startService({
        config,
        masterKey,
        masterKeyAlso,
        masterKeysHeld: () => lease.held(),
        migrates: options.migrate === true,
        embeddedDirectory: null,
        clock: systemClock,
        random: systemRandom,
        log,
        droppedLogLines: () => lines.dropped,
      });
      onStopSignals(log, () => service.stop());
    });
}
