import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parameterValue } from './column-values.ts';
import { statement, systemScope } from './sql/connection.ts';
import { describeEachDatabase } from './testing/describe-each-database.ts';

const directory = fileURLToPath(new URL('testing/ledger-migrations/', import.meta.url));

const insert = statement(
  'ledger_insert_all',
  `insert into ledger values ('acme', 1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) returning *`,
);
const echo = statement('echo_texts', 'select $1::text[] as texts, $2::bytea as bytes, $3::timestamptz as at');
const tooLarge = statement('too_large', 'select 9007199254740993::int8 as huge');
const otherZone = statement(
  'year_ten_thousand',
  `select 'infinity'::timestamptz as never, null::int8[] as nothing`,
);

describeEachDatabase(
  'the values of a row',
  (open) => {
    it('are the same whatever the database', async () => {
      const database = await open();
      const at = Date.UTC(2026, 0, 31, 12, 34, 56, 789);
      const [row] = await database.run(systemScope, (connection) =>
        connection.query(insert, [
          'O\'Reilly "& sons" \\',
          9_007_199_254_740_991,
          '12.340',
          0.1,
          true,
          Uint8Array.of(0, 255, 92),
          new Date(at),
          ['a', 'b,c', '', '{"}', 'NULL', null],
          [new Date(0), null],
          [1, 2n, -3],
          [Uint8Array.of(1, 2), new Uint8Array()],
          JSON.stringify({ a: [1, 'x'] }),
          '2026-02-28',
        ]),
      );
      expect(row).toEqual({
        tenant: 'acme',
        id: 1,
        note: 'O\'Reilly "& sons" \\',
        amount: 9_007_199_254_740_991,
        price: '12.340',
        share: 0.1,
        settled: true,
        sealed: Buffer.from([0, 255, 92]),
        happened_at: at,
        labels: ['a', 'b,c', '', '{"}', 'NULL', null],
        times: [0, null],
        counts: [1, 2, -3],
        seals: [Buffer.from([1, 2]), Buffer.alloc(0)],
        details: { a: [1, 'x'] },
        day: '2026-02-28',
      });
    });

    it('are null where nothing is', async () => {
      const database = await open();
      const [row] = await database.run(systemScope, (c) =>
        c.query(
          insert,
          Array.from({ length: 13 }, () => null),
        ),
      );
      expect(Object.values(row ?? {}).filter((value) => value !== null)).toEqual(['acme', 1]);
      const [special] = await database.run(systemScope, (connection) => connection.query(otherZone));
      expect(special).toEqual({ never: Number.POSITIVE_INFINITY, nothing: null });
    });

    it('never lose digits of a large integer', async () => {
      const database = await open();
      const reading = database.run(systemScope, (connection) => connection.query(tooLarge));
      await expect(reading).rejects.toThrow('beyond 2^53');
    });

    it('come back as they were sent', async () => {
      const database = await open();
      const text = fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\0', ''));
      const property = fc.asyncProperty(
        fc.array(fc.option(text)),
        fc.uint8Array({ maxLength: 300 }),
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        async (texts, bytes, at) => {
          const [row] = await database.run(systemScope, (connection) =>
            connection.query(echo, [texts, bytes, at]),
          );
          expect(row).toEqual({ texts, bytes: Buffer.from(bytes), at: at.getTime() });
        },
      );
      await fc.assert(property, { numRuns: 100 });
    });
  },
  { directory },
);

it('refuses what no column can mean, without quoting it', () => {
  for (const mistake of [undefined, { secret: '+12025550123' }, Number.POSITIVE_INFINITY, Symbol('x')]) {
    expect(() => parameterValue(mistake)).toThrow(TypeError);
    expect(() => parameterValue([mistake])).toThrow(/^(?!.*2025550123)/);
  }
});
