import type { OwnedDatabase } from '../sql/connection.ts';
import { statement } from '../sql/connection.ts';

/**
 * As autovacuum decides, with its thresholds nearer: the engine answers nothing while it vacuums, so that a table is to
 * be done while there is little to do.
 */
const mostOverdue = statement(
  'vacuum_most_overdue',
  `select quote_ident(schemaname) || '.' || quote_ident(relname) as name
     from pg_stat_user_tables
    where n_dead_tup > 500 + 0.1 * n_live_tup or n_mod_since_analyze > 250 + 0.1 * n_live_tup
    order by n_dead_tup + n_mod_since_analyze desc limit 1`,
);
/** What was counted is told once a second otherwise. */
const flushCounts = statement('vacuum_flush_counts', 'select pg_stat_force_next_flush()');
/** 3,000 rows are looked at, instead of 30,000: enough to tell a full table from an empty one. */
const STATISTICS_TARGET = 10;

/**
 * Vacuums and analyzes the table that needs it most, and returns its name; null when none does. PGlite has no background
 * processes: without this, dead rows stay for ever, and statements keep the plans that were made for empty tables.
 * @throws StorageError
 */
export function vacuumNext(database: OwnedDatabase): Promise<string | null> {
  return database.asOwner(async (owner) => {
    await owner.query(flushCounts, []);
    const [table] = await owner.query<{ name: string }>(mostOverdue, []);
    if (!table) return null;
    await owner.execute(`set default_statistics_target = ${STATISTICS_TARGET}`);
    await owner.execute(`vacuum (analyze) ${table.name}`);
    return table.name;
  });
}
