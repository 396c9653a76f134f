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
  return [version, skew];
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
