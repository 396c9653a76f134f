import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { statement, tenantScope } from '../sql/connection.ts';
import { migratedPreset } from '../testing/open-test-database.ts';
import { openPglite } from './open-pglite.ts';
import type { PgliteDatabase } from './pglite-database.ts';
import { vacuumNext } from './vacuum-next.ts';

const migrations = fileURLToPath(new URL('../testing/ledger-migrations/', import.meta.url));
const acme = tenantScope('acme');
const fill = statement(
  'fill',
  `insert into ledger (tenant, id) select 'acme', n from generate_series(1, 5000) n`,
);
const empty = statement('empty', 'delete from ledger where id > 10');
const count = statement('count', 'select count(*)::int as count from ledger');

describe('vacuumNext', () => {
  let database: PgliteDatabase;
  beforeAll(async () => {
    database = await openPglite({
      dataDir: null,
      clock: systemClock,
      preset: await migratedPreset(migrations),
    });
  });
  afterAll(() => database.close());

  const pagesOf = (table: string): Promise<number> =>
    database.asOwner(async (owner) => {
      const text = `select (pg_relation_size('${table}') / 8192)::int as pages`;
      const [row] = await owner.query<{ pages: number }>(statement('pages_of', text), []);
      return row?.pages ?? Number.NaN;
    });

  it('takes the table that was changed most, gives its dead rows back, and then rests', async () => {
    await database.run(acme, (connection) => connection.query(fill));
    expect(await vacuumNext(database)).toContain('ledger');
    const full = await pagesOf('ledger');
    await database.run(acme, (connection) => connection.query(empty));
    expect(await vacuumNext(database)).toContain('ledger');
    expect(await pagesOf('ledger')).toBeLessThan(full / 4);
    expect(await vacuumNext(database)).toBeNull();
  });

  it('leaves the session as it was: confined, with its statements', async () => {
    const [row] = await database.run(acme, (connection) => connection.query<{ count: number }>(count));
    expect(row?.count).toBe(10);
    const other = await database.run(tenantScope('other'), (c) => c.query<{ count: number }>(count));
    expect(other[0]?.count).toBe(0);
  });
});
