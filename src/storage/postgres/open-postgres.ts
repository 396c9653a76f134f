import { ConnectionSource } from './connection-source.ts';
import { PostgresDatabase } from './postgres-database.ts';
import { type OpenPostgresOptions, withDefaults } from './postgres-options.ts';

/**
 * Connects to a PostgreSQL server (15 or newer). Statements run as roles that `migrate` makes; until it has run,
 * both scopes are refused.
 * @throws Error that says why, host by host, when none can be used
 */
export async function openPostgres(options: OpenPostgresOptions): Promise<PostgresDatabase> {
  const settings = withDefaults(options);
  const source = new ConnectionSource(settings);
  await source.open();
  return new PostgresDatabase(source, settings);
}
