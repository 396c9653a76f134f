import type { PGlite } from '@electric-sql/pglite';
import type { Clock } from '../src/lib/clock.ts';
import { EngineHost } from '../src/storage/pglite/engine-host.ts';
import { PgliteDatabase } from '../src/storage/pglite/pglite-database.ts';
import { startEngine } from '../src/storage/pglite/start-engine.ts';
import { statement } from '../src/storage/sql/connection.ts';
import { silentLog } from '../src/storage/storage-log.ts';
import { migratedPreset, productMigrations } from '../src/storage/testing/open-test-database.ts';
import { TurnQueue } from '../src/storage/turn-queue.ts';

/** Nobody ever waits so long for a turn that it would matter here: one thing happens at a time. */
const still: Clock = { now: () => 0, after: () => ({ cancel() {} }) };

const tables = statement(
  'simulation_tables',
  `select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema') and tablename not like '%migration%' order by 1`,
);

/** One PostgreSQL in memory, migrated. It takes half a second, so that many runs share it. */
export async function startSharedEngine(): Promise<PGlite> {
  return startEngine({ files: null, preset: await migratedPreset(productMigrations) });
}

/** The product's adapter on that engine. It never leaves the call, so that a run is one chain of microtasks. */
export async function openOnEngine(engine: PGlite): Promise<PgliteDatabase> {
  const host = await EngineHost.open({
    clock: still,
    log: silentLog,
    inMemory: true,
    start: async () => engine,
  });
  const queue = new TurnQueue({ clock: still, turns: 1, maxWaiting: 10_000, timeoutMs: 60_000 });
  return new PgliteDatabase({ host, queue, guard: null, lock: null });
}

/** Every table empty, every sequence at its start, nothing prepared: what a run finds does not depend on the last. */
export async function emptyDatabase(database: PgliteDatabase, schema: string | null): Promise<void> {
  await database.asOwner(async (session) => {
    const rows = await session.query<{ name: string }>(tables);
    const names = rows.map(({ name }) => name).join(', ');
    await session.execute(`truncate ${names} restart identity cascade`);
    if (schema !== null) await session.execute(schema);
  });
}
