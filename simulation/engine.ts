import type { PGlite } from '@electric-sql/pglite';
import type { Clock } from '../src/lib/clock.ts';
import { EngineHost } from '../src/storage/pglite/engine-host.ts';
import { PgliteDatabase } from '../src/storage/pglite/pglite-database.ts';
import { startEngine } from '../src/storage/pglite/start-engine.ts';
import { silentLog } from '../src/storage/storage-log.ts';
import { migratedPreset, productMigrations } from '../src/storage/testing/open-test-database.ts';
import { TurnQueue } from '../src/storage/turn-queue.ts';

/** Nobody ever waits so long for a turn that it would matter here: one thing happens at a time. */
const still: Clock = { now: () => 0, after: () => ({ cancel() {} }) };

/** Those that have held a row since they were last emptied. What was never written to need not be emptied. */
const WRITTEN_TABLES = `select format('%I.%I', schemaname, tablename) as name from pg_tables
  where schemaname not in ('pg_catalog', 'information_schema') and tablename not like '%migration%'
    and pg_relation_size(format('%I.%I', schemaname, tablename)::regclass) > 0 order by 1`;

/**
 * One plan for each statement, made when it is first used after its tables were emptied: plans must not depend on
 * how often a statement was used in the runs before.
 */
const PLANS = 'set plan_cache_mode = force_generic_plan';

/** One PostgreSQL in memory, migrated. It takes half a second, so that many runs share it, one at a time. */
export interface SharedEngine {
  readonly postgres: PGlite;
  /**
   * Whose prepared statements it has; null: nobody's. This stands here and in no module, because each mutant has its
   * own copy of every module, and all of them must know when another has used the engine.
   */
  preparedBy: object | null;
}

const turnsOf = new WeakMap<PgliteDatabase, TurnQueue>();

export async function startSharedEngine(): Promise<SharedEngine> {
  const preset = await migratedPreset(productMigrations);
  return { postgres: await startEngine({ files: null, preset }), preparedBy: null };
}

/** The product's adapter on that engine. It never leaves the call, so that a run is one chain of microtasks. */
export async function openOnEngine({ postgres }: SharedEngine): Promise<PgliteDatabase> {
  const host = await EngineHost.open({
    clock: still,
    log: silentLog,
    inMemory: true,
    start: async () => postgres,
  });
  const queue = new TurnQueue({ clock: still, turns: 1, maxWaiting: 10_000, timeoutMs: 60_000 });
  const database = new PgliteDatabase({ host, queue, guard: null, lock: null });
  turnsOf.set(database, queue);
  return database;
}

/**
 * Every table empty, every sequence at its start: what a run finds does not depend on the last. Prepared statements
 * stay, because to parse two hundred of them anew takes a tenth of a run.
 */
export async function emptyDatabase(
  engine: SharedEngine,
  database: PgliteDatabase,
  schema: string | null,
): Promise<void> {
  if (engine.preparedBy !== database) {
    // Another product on the same engine has prepared its own under the same names. Both sides forget all of them.
    await database.asOwner(async (session) => {
      if (schema !== null) await session.execute(schema);
    });
    await engine.postgres.exec(PLANS);
    engine.preparedBy = database;
  }
  await turnsOf.get(database)?.run(() => truncateWritten(engine.postgres));
}

async function truncateWritten(engine: PGlite): Promise<void> {
  const { rows: roles } = await engine.query<{ role: string }>(`select current_setting('role') as role`);
  await engine.exec('reset role');
  const { rows } = await engine.query<{ name: string }>(WRITTEN_TABLES);
  if (rows.length > 0)
    await engine.exec(`truncate ${rows.map(({ name }) => name).join(', ')} restart identity cascade`);
  // The session takes it that nobody has touched its role.
  await engine.exec(`set role ${roles[0]?.role ?? 'none'}`);
}
