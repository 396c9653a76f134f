import { describe, expect, it } from 'vitest';
import { statement, systemScope } from '../src/storage/sql/connection.ts';
import type * as Engine from './engine.ts';
import { findBy, type Run } from './exam.ts';
import { promiseOf } from './world/violation.ts';

const BROKEN = 'INV-20 connected by a session that is over: call c1';
const UNTOLD = 'StorageError: prepared statement "s156" does not exist';

function runs(failures: Readonly<Record<number, string>>): Run {
  return async ({ seed }) => {
    const failure = failures[seed] ?? null;
    return { failure, violated: failure === null || failure === UNTOLD ? null : promiseOf(failure) };
  };
}

const seeds = (last: number) => Array.from({ length: last }, (_, i) => ({ seed: i + 1, without: [] }));

describe('what counts as found', () => {
  it('is the first seed that breaks a promise with the defect and none without it', async () => {
    const harmed = runs({ 2: BROKEN, 4: BROKEN, 5: BROKEN });
    expect(await findBy(harmed, runs({ 2: BROKEN }), seeds(6), 0)).toEqual({
      foundAfter: 4,
      seed: 4,
      violation: BROKEN,
      violated: 'INV-20',
    });
  });

  it('is nothing when every seed that fails with the defect fails without it', async () => {
    const found = await findBy(runs({ 2: BROKEN }), runs({ 2: BROKEN }), seeds(6), 0);
    expect(found.foundAfter).toBeNull();
  });

  it('is no error that names no promise, with the defect or without it', async () => {
    await expect(findBy(runs({ 3: UNTOLD, 5: BROKEN }), runs({}), seeds(6), 6)).rejects.toThrow(
      `Seed 3 with the defect ended in an error that breaks no promise of the product: ${UNTOLD}`,
    );
    await expect(findBy(runs({ 5: BROKEN }), runs({ 5: UNTOLD }), seeds(6), 0)).rejects.toThrow(
      'Seed 5 without the defect ended in an error',
    );
  });

  it('is no broken rule of the simulation itself', async () => {
    const crashed = runs({
      1: "DST-2 dial failed with a programmer's error: TypeError: x is not a function",
    });
    await expect(findBy(crashed, runs({}), seeds(6), 6)).rejects.toThrow('breaks no promise of the product');
  });
});

describe('an engine that products share', () => {
  it('has the statements of whoever uses it, and of nobody who used it before', async () => {
    // Two copies of the module, as each mutant has its own.
    const copies = await Promise.all(['one', 'other'].map(copyOfEngine));
    const [one, other] = copies as [typeof Engine, typeof Engine];
    expect(one.emptyDatabase).not.toBe(other.emptyDatabase);
    const engine = await one.startSharedEngine();
    const first = await one.openOnEngine(engine);
    const second = await other.openOnEngine(engine);
    const sum = statement('exam_sum', 'select $1::int + $2::int as n');
    const text = statement('exam_text', 'select $1::text as n');
    // Under the same name at the engine, because each counts from one.
    const ask = async (
      copy: typeof Engine,
      database: typeof first,
      what: typeof sum,
      values: readonly unknown[],
    ) => {
      await copy.emptyDatabase(engine, database, null);
      return database.run(systemScope, (connection) => connection.query(what, values));
    };
    expect(await ask(one, first, sum, [1, 2])).toEqual([{ n: 3 }]);
    expect(await ask(other, second, text, ['a'])).toEqual([{ n: 'a' }]);
    expect(await ask(one, first, sum, [3, 4])).toEqual([{ n: 7 }]);
    expect(await ask(other, second, text, ['b'])).toEqual([{ n: 'b' }]);
    await first.close();
  });
});

async function copyOfEngine(name: string): Promise<typeof Engine> {
  const copy: string = `./engine.ts?copy=${name}`;
  return (await import(/* @vite-ignore */ copy)) as typeof Engine;
}
