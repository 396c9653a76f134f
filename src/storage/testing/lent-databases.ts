import type { PGlite } from '@electric-sql/pglite';
import { invariant } from '../../lib/assert.ts';
import type { Clock } from '../../lib/clock.ts';
import { EngineHost } from '../pglite/engine-host.ts';
import { PgliteDatabase, type PgliteParts } from '../pglite/pglite-database.ts';
import { type StartEngineOptions, startEngine } from '../pglite/start-engine.ts';
import { type OwnerSession, type Statement, statement } from '../sql/connection.ts';
import { silentLog } from '../storage-log.ts';
import { TurnQueue } from '../turn-queue.ts';

interface Engine {
  readonly pglite: PGlite;
  /** null until it is emptied for the first time; nobody who borrows it can add or drop a table */
  tables: { readonly all: readonly string[]; readonly filled: Statement } | null;
  timesEmptied: number;
}

/** Each holds about 100 MB. */
const MAX_IDLE = 2;
/** Deleted rows keep their room until a table is truncated, which takes ten times as long as to delete a few. */
const TRUNCATE_EVERY = 16;

/**
 * Migrated engines in memory, lent to one test at a time and emptied before the next. To start one costs some 200 ms
 * of the processor and leaves its code cold; to empty one costs 5. An engine is not lent again once it has died, or
 * once the owner of its tables, who can change more than rows, has had it.
 */
export class LentDatabases {
  readonly #preset: () => Promise<StartEngineOptions['preset']>;
  readonly #idle: Engine[] = [];

  constructor(preset: () => Promise<StartEngineOptions['preset']>) {
    this.#preset = preset;
  }

  /** `clock`: for the limits on waiting. To close the database is to give it back. */
  async lend(clock: Clock): Promise<PgliteDatabase> {
    const used = this.#idle.pop();
    if (used) return this.#open(used, clock);
    const pglite = await startEngine({ files: null, preset: await this.#preset() });
    return this.#open({ pglite, tables: null, timesEmptied: 0 }, clock);
  }

  async #open(engine: Engine, clock: Clock): Promise<PgliteDatabase> {
    const start = async (): Promise<PGlite> => engine.pglite;
    const host = await EngineHost.open({ clock, log: silentLog, start, inMemory: true });
    const queue = new TurnQueue({ clock, turns: 1, pauseEvery: 32, maxWaiting: 10_000, timeoutMs: 5_000 });
    const database = new LentDatabase({ host, queue, guard: null, lock: null }, (altered) => {
      if (altered || this.#idle.length >= MAX_IDLE) return false;
      this.#idle.push(engine);
      return true;
    });
    await database.empty(engine);
    return database;
  }
}

class LentDatabase extends PgliteDatabase {
  readonly #parts: PgliteParts;
  readonly #giveBack: (altered: boolean) => boolean;
  #altered = false;
  #closed = false;

  constructor(parts: PgliteParts, giveBack: (altered: boolean) => boolean) {
    super(parts);
    this.#parts = parts;
    this.#giveBack = giveBack;
  }

  override asOwner<T>(work: (session: OwnerSession) => Promise<T>): Promise<T> {
    this.#altered = true;
    return super.asOwner(work);
  }

  override async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#parts.queue.close();
    const alive = await this.#parts.host.session().then(
      () => true,
      () => false,
    );
    if (!this.#giveBack(this.#altered || !alive)) await super.close();
  }

  async empty(engine: Engine): Promise<void> {
    await super.asOwner(async (session) => {
      engine.tables ??= await tablesOf(session);
      const { tables } = engine;
      const filled = (await session.query<{ name: string }>(tables.filled)).map(({ name }) => name);
      if (engine.timesEmptied++ === 0) {
        invariant(filled.length === 0, `a migration fills ${filled.join(', ')}, which would be emptied here`);
        return;
      }
      if (engine.timesEmptied % TRUNCATE_EVERY === 0) {
        await session.execute(`truncate ${tables.all.join(', ')} restart identity`);
        return;
      }
      // Without triggers, and the foreign keys among them, the order of the tables does not matter.
      const deletes = filled.map((name) => `delete from ${name};`).join(' ');
      await session.execute(`set session_replication_role = replica; ${deletes}`);
      await session.query(restartSequences);
    });
  }
}

const restartSequences = statement(
  'lent_restart_sequences',
  `select setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) from pg_sequences`,
);

const allTables = statement(
  'lent_tables',
  `select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema') and tablename not like '%migration%' order by 1`,
);

async function tablesOf(session: OwnerSession): Promise<NonNullable<Engine['tables']>> {
  const all = (await session.query<{ name: string }>(allTables)).map(({ name }) => name);
  const questions = all.map((name) => `select '${name}' as name where exists (select from ${name})`);
  return { all, filled: statement('lent_filled_tables', questions.join(' union all ')) };
}
