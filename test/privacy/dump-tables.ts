import { type SqlConnection, statement, systemScope } from '../../src/storage/sql/connection.ts';
import type { Database } from '../../src/storage/sql/connection.ts';
import type { Remains } from './leak-scan.ts';

const tables = statement(
  'dump_tables',
  `select table_name as name from information_schema.tables where table_schema = 'maskline' order by 1`,
);

/** Every row of every table, as a dump would hold it: the texts, and beside them the bytes of `bytea` columns. */
export function dumpTables(database: Database): Promise<Remains[]> {
  return database.run(systemScope, async (connection: SqlConnection) => {
    const dumped: Remains[] = [];
    for (const { name } of await connection.query<{ name: string }>(tables)) {
      const rows = await connection.query<Record<string, unknown>>(
        statement(`dump_${name}`, `select * from maskline."${name}"`),
      );
      const values = rows.flatMap((row) => Object.values(row));
      const bytes = values.filter((value): value is Uint8Array => value instanceof Uint8Array);
      dumped.push({
        place: `table ${name}`,
        bytes: Buffer.concat([Buffer.from(JSON.stringify(rows)), ...bytes]),
      });
    }
    return dumped;
  });
}
