import type { SqlConnection, Statement } from '../../src/storage/sql/connection.ts';
import { changesSomething } from '../../src/storage/unknown-commit.ts';
import type { ReplicaLife } from './replica-life.ts';

/** Searches whose answer can be out of date by the time it is used, when others commit in between. */
const SEARCHES = new Set([
  'virtual_number_take',
  'virtual_number_idle_candidates',
  'virtual_number_shared_candidates',
]);
/** It locks what it finds, and passes over what others hold. */
const LOCKS_IDLE = 'virtual_number_lock_idle';
/** It asks for many people at once. */
const SEARCHES_FOR_LOT = 'virtual_number_shared_many';

interface OfSeat {
  /** from 1 on */
  readonly place: number;
}

/**
 * On PostgreSQL a search reads a snapshot, and what it found may be gone when it is used. One PGlite runs one
 * transaction at a time, so that this never happens by itself: here a search says again what it said before.
 */
export class StaleSearches {
  readonly #life: ReplicaLife;
  /** what searches have answered before */
  readonly #earlier = new Map<string, readonly unknown[]>();

  constructor(life: ReplicaLife) {
    this.#life = life;
  }

  async query(
    connection: SqlConnection,
    statement: Statement,
    values: readonly unknown[] = [],
  ): Promise<readonly unknown[]> {
    const { name } = statement;
    if (name === SEARCHES_FOR_LOT) return this.#queryForLot(connection, statement, values);
    if (!SEARCHES.has(name) && name !== LOCKS_IDLE) return connection.query(statement, values);
    const reads = !changesSomething(statement) && name !== LOCKS_IDLE;
    const key = `${name} ${String(values[1])} ${String(values.at(-1))}`;
    const earlier = this.#earlier.get(key);
    if (reads && earlier && earlier.length > 0 && this.#life.strikes('staleRead', name)) return earlier;
    // SKIP LOCKED passes over what others hold at this moment: getting nothing proves nothing.
    if (!reads && this.#life.strikes('staleRead', name)) return [];
    const rows = await connection.query(statement, values);
    this.#earlier.set(key, rows);
    return rows;
  }

  /** What is said of each person is what was said of somebody before, as `virtual_number_shared_candidates` does. */
  async #queryForLot(
    connection: SqlConnection,
    statement: Statement,
    values: readonly unknown[],
  ): Promise<readonly OfSeat[]> {
    const { name } = statement;
    const key = `${name} ${String(values[1])} ${String(values[2])}`;
    const rows = await connection.query<OfSeat>(statement, values);
    const seats = (values[6] as readonly unknown[]).map((_, i) =>
      rows.filter(({ place }) => place === i + 1),
    );
    const earlier = (this.#earlier.get(key) ?? []) as readonly (readonly OfSeat[])[];
    this.#earlier.set(key, seats);
    if (earlier.length === 0 || !this.#life.strikes('staleRead', name)) return rows;
    return seats.flatMap((_, i) =>
      (earlier[i % earlier.length] ?? []).map((row) => ({ ...row, place: i + 1 })),
    );
  }
}
