import type { Clock } from '../lib/clock.ts';
import { SCHEMA } from './confinement.ts';
import { type MigrationFile, readMigrationFiles } from './migration-files.ts';
import { ensureRoles, grantsSql } from './migration-roles.ts';
import { type OwnedDatabase, type OwnerSession, statement } from './sql/connection.ts';

export interface MigrateOptions {
  /** where `000001-name.sql` and so on are */
  readonly directory: string;
  readonly clock: Clock;
  readonly onProgress?: (progress: MigrationProgress) => void;
}

export interface MigrationProgress {
  readonly number: number;
  readonly name: string;
  readonly state: 'applying' | 'applied';
  /** the highest number that will be applied */
  readonly last: number;
}

export interface MigrateResult {
  /** in order; empty when there was nothing to do */
  readonly applied: readonly { readonly number: number; readonly name: string }[];
  /** the number of the schema now; 0 for a schema without migrations */
  readonly version: number;
}

export interface SchemaStatus {
  /** the highest number in the database; 0 when nothing was migrated yet */
  readonly version: number;
  /** the highest number in the directory */
  readonly latest: number;
}

interface AppliedMigration {
  readonly number: number;
  readonly name: string;
  readonly sha256: string;
}

/** Says that the database and this code do not belong together; the message says what to do. */
export class SchemaMismatchError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SchemaMismatchError';
  }
}

/** Any fixed number serves, as long as nothing else in the database uses it for its own advisory locks. */
const LOCK_KEY = 7_762_375_546;
/** How long a second `migrate` waits for the first. */
const LOCK_WAIT_MS = 60_000;
/** A change that cannot get its table lock gives up, because every statement after it waits behind it. */
const TABLE_LOCK_WAIT_MS = 5_000;

const lock = statement('migration_lock', 'select pg_catalog.pg_advisory_lock($1)');
const unlock = statement('migration_unlock', 'select pg_catalog.pg_advisory_unlock($1)');
const selectTable = statement(
  'select_migration_table',
  `select to_regclass('${SCHEMA}.schema_migration') is not null as present`,
);
const selectApplied = statement(
  'select_migrations',
  `select number, name, sha256 from ${SCHEMA}.schema_migration order by number`,
);
const insertApplied = statement(
  'insert_migration',
  `insert into ${SCHEMA}.schema_migration (number, name, sha256, applied_at) values ($1, $2, $3, $4)`,
);

/**
 * Brings the schema up to the newest migration: forward only, each file in one transaction, one process at a
 * time. Runs as the login role, makes the confined roles, and grants them the tables.
 *
 * @throws SchemaMismatchError when the database is newer than the directory, or a file has changed since it was applied
 * @throws StorageError when a migration fails; those before it stay
 */
export async function migrate(database: OwnedDatabase, options: MigrateOptions): Promise<MigrateResult> {
  const files = await readMigrationFiles(options.directory);
  return database.asOwner(async (session) => {
    await session.execute(`set statement_timeout = 0; set lock_timeout = ${LOCK_WAIT_MS}`);
    await session.query(lock, [LOCK_KEY]);
    try {
      await session.execute(`set lock_timeout = ${TABLE_LOCK_WAIT_MS}`);
      return await applyAll(session, files, options);
    } finally {
      // When the session itself broke, the server has let go of the lock.
      await session.query(unlock, [LOCK_KEY]).catch(() => {});
    }
  });
}

/**
 * How the schema and the directory compare, without changing anything.
 * @throws SchemaMismatchError like `migrate`
 */
export async function readSchemaStatus(database: OwnedDatabase, directory: string): Promise<SchemaStatus> {
  const files = await readMigrationFiles(directory);
  return database.asOwner(async (session) => {
    const [table] = await session.query<{ present: boolean }>(selectTable);
    const applied = table?.present === true ? await session.query<AppliedMigration>(selectApplied) : [];
    assertSameHistory(applied, files);
    return { version: applied.length, latest: files.length };
  });
}

async function applyAll(
  session: OwnerSession,
  files: readonly MigrationFile[],
  { clock, onProgress }: MigrateOptions,
): Promise<MigrateResult> {
  await ensureRoles(session);
  await session.execute(`create schema if not exists ${SCHEMA};
    create table if not exists ${SCHEMA}.schema_migration (
      number integer primary key,
      name text not null,
      sha256 text not null,
      applied_at timestamptz not null
    )`);
  const before = await session.query<AppliedMigration>(selectApplied);
  assertSameHistory(before, files);
  const pending = files.slice(before.length);
  for (const file of pending) {
    const progress = { number: file.number, name: file.name, last: files.length };
    onProgress?.({ ...progress, state: 'applying' });
    await applyOne(session, file, clock);
    onProgress?.({ ...progress, state: 'applied' });
  }
  return { applied: pending.map(({ number, name }) => ({ number, name })), version: files.length };
}

async function applyOne(session: OwnerSession, file: MigrationFile, clock: Clock): Promise<void> {
  await session.execute('begin');
  try {
    await session.execute(file.sql);
    await session.query(insertApplied, [file.number, file.name, file.sha256, new Date(clock.now())]);
    await session.execute(grantsSql());
    await session.execute('commit');
  } catch (error) {
    await session.execute('rollback').catch(() => {});
    throw error;
  }
}

function assertSameHistory(applied: readonly AppliedMigration[], files: readonly MigrationFile[]): void {
  applied.forEach((migration, i) => {
    const label = `${migration.number} (${migration.name})`;
    const file = files[i];
    if (!file) {
      throw new SchemaMismatchError(
        `The database is newer than this version of Maskline: it has migration ${label}, and ${files.length} is ` +
          'the last one known here. Start the newer version; there is no way back but a backup.',
      );
    }
    if (file.number !== migration.number || file.sha256 !== migration.sha256) {
      throw new SchemaMismatchError(
        `Migration ${label} has changed since it was applied to this database. Restore the file as it was, and ` +
          'put the change into a new migration.',
      );
    }
  });
}
