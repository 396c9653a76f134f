import type { Clock } from './lib/clock.ts';
import type { Log } from './observe/log.ts';
import { MIGRATIONS_DIRECTORY } from './open-database.ts';
import { migrate, readSchemaStatus, SchemaMismatchError } from './storage/migrate.ts';
import type { OwnedDatabase } from './storage/sql/connection.ts';

/** Migrates, or refuses a schema that is behind: replicas that start at once should not race to change it. */
export async function applySchema(
  database: OwnedDatabase,
  options: { readonly migrates: boolean; readonly clock: Clock; readonly log: Log },
): Promise<void> {
  const { migrates, clock, log } = options;
  if (migrates) {
    await migrate(database, {
      directory: MIGRATIONS_DIRECTORY,
      clock,
      onProgress: ({ name, state }) => log.info({ migration: name, state }, 'Migrating the schema.'),
    });
    return;
  }
  const { version, latest } = await readSchemaStatus(database, MIGRATIONS_DIRECTORY);
  if (version < latest) {
    throw new SchemaMismatchError(
      `The schema of the database is at version ${version}, and this version of Maskline needs ${latest}. ` +
        'Run `maskline migrate`, or start with `maskline serve --migrate`.',
    );
  }
}
