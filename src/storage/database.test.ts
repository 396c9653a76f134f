import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { assertConfined } from './confinement.ts';
import { type SqlConnection, statement, systemScope, tenantScope } from './sql/connection.ts';
import { isConstraintError, StorageError } from './storage-error.ts';
import { describeEachDatabase } from './testing/describe-each-database.ts';

const directory = fileURLToPath(new URL('testing/ledger-migrations/', import.meta.url));

const insert = statement('ledger_insert', 'insert into ledger (tenant, id, amount) values ($1, $2, $3)');
const selectIds = statement('ledger_ids', 'select id from ledger order by id');
const selectRole = statement('current_role', 'select current_user::text as role');
const fail = statement('division', 'select 1 / 0 as impossible');

const acme = tenantScope('acme');
const other = tenantScope("o'ther");

async function idsOf(connection: SqlConnection): Promise<readonly number[]> {
  return (await connection.query<{ id: number }>(selectIds)).map((row) => row.id);
}

describeEachDatabase(
  'a database',
  (open) => {
    it('keeps what a transaction did, and nothing of one that threw', async () => {
      const database = await open();
      await database.transaction(acme, (connection) => connection.query(insert, ['acme', 1, 10]));
      const failure = new Error('changed my mind');
      const abandoned = database.transaction(acme, async (connection) => {
        await connection.query(insert, ['acme', 2, 10]);
        throw failure;
      });
      await expect(abandoned).rejects.toBe(failure);
      expect(await database.run(acme, idsOf)).toEqual([1]);
    });

    it('commits the statements of a run one by one', async () => {
      const database = await open();
      const halfway = database.run(acme, async (connection) => {
        await connection.query(insert, ['acme', 1, 10]);
        throw new Error('later');
      });
      await expect(halfway).rejects.toThrow('later');
      expect(await database.run(acme, idsOf)).toEqual([1]);
    });

    it('does not report a transaction as committed when a statement in it failed unnoticed', async () => {
      const database = await open();
      const deceived = database.transaction(acme, async (connection) => {
        await connection.query(insert, ['acme', 1, 10]);
        await connection.query(fail).catch(() => {});
      });
      await expect(deceived).rejects.toThrow(/rolled back|aborted/);
      expect(await database.run(acme, idsOf)).toEqual([]);
      // and the connection is of use again
      expect(await database.transaction(acme, idsOf)).toEqual([]);
    });

    it('undoes to a savepoint and goes on', async () => {
      const database = await open();
      await database.transaction(acme, async (connection) => {
        await connection.query(insert, ['acme', 1, 10]);
        await connection.query(statement('try', 'savepoint attempt'));
        await expect(connection.query(insert, ['acme', 1, 10])).rejects.toThrow(StorageError);
        await connection.query(statement('undo', 'rollback to savepoint attempt'));
        await connection.query(insert, ['acme', 2, 10]);
      });
      expect(await database.run(acme, idsOf)).toEqual([1, 2]);
    });

    it('says which constraint refused, and nothing of the values', async () => {
      const database = await open();
      const secret = 4_470_012_345;
      await database.run(acme, (connection) => connection.query(insert, ['acme', 1, secret]));
      const twice = await database
        .run(acme, (connection) => connection.query(insert, ['acme', 1, secret]))
        .catch((error: unknown) => error);
      expect(isConstraintError(twice, 'ledger_pkey')).toBe(true);
      const negative = await database
        .run(acme, (connection) => connection.query(insert, ['acme', 2, -secret]))
        .catch((error: unknown) => error);
      expect(isConstraintError(negative, 'amount_positive')).toBe(true);
      const malformed = await database
        .run(acme, (connection) => connection.query(insert, ['acme', '+12025550123', 1]))
        .catch((error: unknown) => error);
      expect(malformed).toMatchObject({ code: 'other', sqlState: '22003' });
      for (const error of [twice, negative, malformed]) {
        expect(`${error}${JSON.stringify(error)}`).not.toMatch(/4470012345|12025550123/);
      }
    });

    it('refuses a parameter that can only be a mistake, and stays of use', async () => {
      const database = await open();
      for (const mistake of [undefined, Number.NaN, { a: 1 }, () => 1]) {
        const attempt = database.run(acme, (connection) => connection.query(insert, ['acme', 1, mistake]));
        await expect(attempt).rejects.toThrow(TypeError);
      }
      expect(await database.run(acme, idsOf)).toEqual([]);
    });

    describe('confinement', () => {
      it('runs as roles that row-level security binds', async () => {
        const database = await open();
        await assertConfined(database);
        const roleIn = (scope: typeof acme): Promise<readonly { role: string }[]> =>
          database.run(scope, (connection) => connection.query<{ role: string }>(selectRole));
        expect(await roleIn(acme)).toEqual([{ role: 'maskline_app' }]);
        expect(await roleIn(systemScope)).toEqual([{ role: 'maskline_system' }]);
      });

      it('shows each tenant its own rows, and the system all, whatever came before', async () => {
        const database = await open();
        await database.run(acme, (connection) => connection.query(insert, ['acme', 1, 10]));
        await database.transaction(other, (connection) => connection.query(insert, ["o'ther", 2, 10]));
        for (let round = 0; round < 3; round++) {
          expect(await database.run(acme, idsOf)).toEqual([1]);
          expect(await database.transaction(other, idsOf)).toEqual([2]);
          expect(await database.run(systemScope, idsOf)).toEqual([1, 2]);
          expect(await database.transaction(acme, idsOf)).toEqual([1]);
        }
      });

      it('returns to the right tenant after a rollback', async () => {
        const database = await open();
        await database.run(acme, (connection) => connection.query(insert, ['acme', 1, 10]));
        await database.run(other, idsOf);
        const abandoned = database.transaction(acme, () => Promise.reject(new Error('no')));
        await expect(abandoned).rejects.toThrow('no');
        expect(await database.run(other, idsOf)).toEqual([]);
        expect(await database.run(acme, idsOf)).toEqual([1]);
      });

      it('refuses to write a row of another tenant', async () => {
        const database = await open();
        const intruding = database.run(acme, (connection) => connection.query(insert, ["o'ther", 1, 10]));
        await expect(intruding).rejects.toMatchObject({ sqlState: '42501' });
      });

      it('leaves the owner session behind when a migration is done', async () => {
        const database = await open();
        await database.run(acme, idsOf);
        const [owner] = await database.asOwner((session) => session.query<{ role: string }>(selectRole));
        expect(owner?.role).not.toBe('maskline_app');
        expect(await database.run(acme, (c) => c.query(selectRole))).toEqual([{ role: 'maskline_app' }]);
      });
    });

    describe('misuse', () => {
      it('says so when a transaction asks the database behind the back of its connection', async () => {
        const database = await open();
        const nested = database.transaction(acme, () => database.run(acme, idsOf));
        await expect(nested).rejects.toThrow('other than through its own connection');
        expect(await database.run(acme, idsOf)).toEqual([]);
      });

      it('refuses a statement that comes after the end of its transaction', async () => {
        const database = await open();
        const leaked = await database.transaction(acme, (connection) => Promise.resolve(connection));
        await expect(leaked.query(insert, ['acme', 1, 10])).rejects.toThrow(
          'after the end of its transaction',
        );
        expect(await database.run(acme, idsOf)).toEqual([]);
      });
    });
  },
  { directory },
);
