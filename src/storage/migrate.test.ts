import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import { assertConfined } from './confinement.ts';
import { type MigrationProgress, migrate, readSchemaStatus } from './migrate.ts';
import { readMigrationFiles } from './migration-files.ts';
import { statement, systemScope, tenantScope } from './sql/connection.ts';
import { describeEachDatabase } from './testing/describe-each-database.ts';

const clock = new ManualClock(Date.UTC(2026, 4, 6));
const empty = path.join(tmpdir(), `maskline-no-migrations-${process.pid}`);

let directory: string;
beforeEach(async () => {
  await mkdir(empty, { recursive: true });
  directory = await mkdtemp(path.join(tmpdir(), 'maskline-migrations-'));
});
afterEach(() => rm(directory, { recursive: true }));
afterAll(() => rm(empty, { recursive: true, force: true }));

async function write(name: string, sql: string): Promise<void> {
  await writeFile(path.join(directory, name), sql);
}

const first = 'create table fruit (id integer primary key); create table tree (id serial primary key);';
const selectHistory = statement(
  'history',
  'select number, name, applied_at from schema_migration order by number',
);

describeEachDatabase(
  'migrate',
  (open) => {
    it('applies what is new, in order, and says so', async () => {
      const database = await open();
      await write('000001-fruit.sql', first);
      const progress: MigrationProgress[] = [];
      const onProgress = (step: MigrationProgress): void => void progress.push(step);
      expect(await migrate(database, { directory, clock, onProgress })).toEqual({
        applied: [{ number: 1, name: 'fruit' }],
        version: 1,
      });
      expect(progress).toEqual([
        { number: 1, name: 'fruit', state: 'applying', last: 1 },
        { number: 1, name: 'fruit', state: 'applied', last: 1 },
      ]);
      await write('000002-peel.sql', 'alter table fruit add peel text');
      await write('000003-stone.sql', 'alter table fruit add stone text');
      expect(await readSchemaStatus(database, directory)).toEqual({ version: 1, latest: 3 });
      const { applied } = await migrate(database, { directory, clock });
      expect(applied.map(({ name }) => name)).toEqual(['peel', 'stone']);
      expect(await migrate(database, { directory, clock })).toEqual({ applied: [], version: 3 });
      expect(await database.run(systemScope, (connection) => connection.query(selectHistory))).toEqual(
        ['fruit', 'peel', 'stone'].map((name, i) => ({ number: i + 1, name, applied_at: clock.now() })),
      );
    });

    it('grants the tables and sequences to both roles, and the history to none', async () => {
      const database = await open();
      await write('000001-fruit.sql', first);
      await migrate(database, { directory, clock });
      await assertConfined(database);
      for (const scope of [systemScope, tenantScope('acme')]) {
        await database.run(scope, async (connection) => {
          await connection.query(statement('grow', 'insert into tree default values'));
          await connection.query(statement('fell', 'delete from tree'));
          const forging = connection.query(statement('forge', 'delete from schema_migration'));
          await expect(forging).rejects.toMatchObject({ sqlState: '42501' });
          const building = connection.query(statement('build', 'create table own (id integer)'));
          await expect(building).rejects.toMatchObject({ sqlState: '42501' });
        });
      }
    });

    it('leaves nothing of a migration that fails, keeps those before it, and goes on when it is mended', async () => {
      const database = await open();
      await write('000001-fruit.sql', first);
      await write('000002-broken.sql', 'create table half (id integer); select nonsense;');
      await expect(migrate(database, { directory, clock })).rejects.toMatchObject({ sqlState: '42703' });
      expect(await readSchemaStatus(database, directory)).toEqual({ version: 1, latest: 2 });
      const half = statement('half', `select to_regclass('half')::text as name`);
      expect(await database.run(systemScope, (connection) => connection.query(half))).toEqual([
        { name: null },
      ]);
      await write('000002-broken.sql', 'create table half (id integer)');
      expect(await migrate(database, { directory, clock })).toMatchObject({ version: 2 });
    });

    it('refuses a database that is newer than the code, and changes nothing', async () => {
      const database = await open();
      await write('000001-fruit.sql', first);
      await write('000002-peel.sql', 'alter table fruit add peel text');
      await migrate(database, { directory, clock });
      await rm(path.join(directory, '000002-peel.sql'));
      await expect(migrate(database, { directory, clock })).rejects.toThrow('newer than this version');
      await expect(readSchemaStatus(database, directory)).rejects.toThrow('newer than this version');
    });

    it('refuses a file that has changed since it was applied', async () => {
      const database = await open();
      await write('000001-fruit.sql', first);
      await migrate(database, { directory, clock });
      await write('000001-fruit.sql', `${first} -- a second thought`);
      await write('000002-peel.sql', 'alter table fruit add peel text');
      await expect(migrate(database, { directory, clock })).rejects.toThrow('1 (fruit) has changed');
      await copyFile(path.join(directory, '000002-peel.sql'), path.join(directory, '000001-fruit.sql'));
      await expect(migrate(database, { directory, clock })).rejects.toThrow('1 (fruit) has changed');
    });

    it('lets one of several do the work when they start at once', async () => {
      const database = await open();
      await write('000001-fruit.sql', first);
      const results = await Promise.all([1, 2, 3].map(() => migrate(database, { directory, clock })));
      expect(results.map(({ applied }) => applied.length).sort()).toEqual([0, 0, 1]);
    });
  },
  { directory: empty },
);

describe('readMigrationFiles', () => {
  it.each([
    ['a gap', ['000001-a.sql', '000003-c.sql'], 'should have number 2'],
    ['a number taken twice', ['000001-a.sql', '000001-b.sql'], 'should have number 2'],
    ['a start other than 1', ['000002-b.sql'], 'should have number 1'],
    ['another form of name', ['1-a.sql'], 'not named like'],
  ])('refuses %s', async (_, names, message) => {
    for (const name of names) await write(name, 'select 1');
    await expect(readMigrationFiles(directory)).rejects.toThrow(message);
  });
});
