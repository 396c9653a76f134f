import type { Clock } from '../lib/clock.ts';
import { MIGRATIONS_DIRECTORY } from '../open-database.ts';
import { assertConfined } from '../storage/confinement.ts';
import { readSchemaStatus } from '../storage/migrate.ts';
import type { PostgresDatabase } from '../storage/postgres/postgres-database.ts';
import { type OwnerSession, statement } from '../storage/sql/connection.ts';
import { type Finding, fail, messageOf, ok, warn } from './finding.ts';

const OLDEST_VERSION = 150_000;
/** Beyond this, replicas disagree about when a session ends for longer than anybody should notice. */
const CLOCK_SKEW_LIMIT_MS = 2_000;

const serverFacts = statement(
  'doctor_server_facts',
  `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
          (extract(epoch from clock_timestamp()) * 1000)::float8 as now`,
);

/** Settings of the server that decide whether parameters of our statements get into its log. */
const logSettings = statement(
  'doctor_log_settings',
  `select current_setting('log_statement') as statements,
          current_setting('log_min_duration_statement')::int as "slowMs",
          current_setting('log_min_duration_sample')::int as "sampledMs",
          coalesce(current_setting('auto_explain.log_min_duration', true), '-1') as "explained",
          (select setting::int from pg_settings where name = 'log_parameter_max_length') as "length",
          (select setting::int from pg_settings where name = 'log_parameter_max_length_on_error') as "onError"`,
);

interface LogSettings {
  readonly statements: string;
  readonly slowMs: number;
  readonly sampledMs: number;
  readonly explained: string;
  readonly length: number;
  readonly onError: number;
}

export async function examineDatabase(database: PostgresDatabase, clock: Clock): Promise<Finding[]> {
  const findings = await database.asOwner((session) => examineServer(session, clock));
  findings.push(await examineSchema(database));
  try {
    await assertConfined(database);
    findings.push(ok('Statements run as roles that row-level security confines.'));
  } catch (error) {
    findings.push(fail('The roles do not confine statements.', messageOf(error)));
  }
  findings.push(
    database.durability === 'power-loss'
      ? ok('A commit is on the disk before it is acknowledged.')
      : warn(
          'A commit that was acknowledged can be lost when the power fails.',
          'Set fsync = on and synchronous_commit = on at the server.',
        ),
  );
  return findings;
}

async function examineServer(session: OwnerSession, clock: Clock): Promise<Finding[]> {
  const before = clock.now();
  const [facts] = await session.query<{ version: string; number: number; now: number }>(serverFacts);
  const after = clock.now();
  if (!facts) return [fail('The database did not answer.', 'Try again.')];
  const version =
    facts.number >= OLDEST_VERSION
      ? ok(`PostgreSQL ${facts.version} answers.`)
      : fail(`PostgreSQL ${facts.version} is too old.`, 'Use version 15 or later.');
  // Half the round trip is as good a guess as any for when the server looked at its clock.
  const skewMs = Math.round(facts.now - (before + after) / 2);
  const skew =
    Math.abs(skewMs) <= CLOCK_SKEW_LIMIT_MS
      ? ok(`The clocks of this machine and the database differ by ${Math.abs(skewMs)} ms.`)
      : fail(
          `The clocks of this machine and the database differ by ${Math.abs(skewMs)} ms.`,
          `Run a time service (NTP) on both; ${CLOCK_SKEW_LIMIT_MS} ms is the most that is safe.`,
        );
  const [settings] = await session.query<LogSettings>(logSettings);
  return [version, skew, ...(settings ? [judgeLog(settings)] : [])];
}

/**
 * Our parameters hold sealed numbers and keyed digests, and texts of whoever asks, which may be a number in the wrong
 * field: a server that writes them down keeps them for longer than we do.
 */
function judgeLog({ statements, slowMs, sampledMs, explained, length, onError }: LogSettings): Finding {
  const writes = statements !== 'none' || slowMs >= 0 || sampledMs >= 0 || explained !== '-1';
  const advice = [
    ...(onError === 0 ? [] : ['log_parameter_max_length_on_error = 0']),
    ...(writes && length !== 0 ? ['log_parameter_max_length = 0'] : []),
  ];
  return advice.length === 0
    ? ok('The server writes no parameter of a statement into its log.')
    : warn(
        'The server writes parameters of statements into its log.',
        `Set ${advice.join(' and ')} at the server; a text in a wrong field may be a real number.`,
      );
}

async function examineSchema(database: PostgresDatabase): Promise<Finding> {
  try {
    const { version, latest } = await readSchemaStatus(database, MIGRATIONS_DIRECTORY);
    return version === latest
      ? ok(`Schema is at version ${version}, as this version of Maskline needs it.`)
      : fail(`Schema is at version ${version}; ${latest} is needed.`, 'Run `maskline migrate`.');
  } catch (error) {
    return fail('Schema and this version of Maskline do not belong together.', messageOf(error));
  }
}
