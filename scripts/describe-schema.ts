import { type SqlConnection, statement, systemScope } from '../src/storage/sql/connection.ts';
import { openTestDatabase } from '../src/storage/testing/open-test-database.ts';

const tables = statement(
  'describe_tables',
  `select c.relname as name, c.relforcerowsecurity as forced from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'maskline' and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
);
const columns = statement(
  'describe_columns',
  `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required
     from pg_attribute a where a.attrelid = ('maskline.' || quote_ident($1))::regclass and a.attnum > 0 and not a.attisdropped
    order by a.attnum`,
);
const constraints = statement(
  'describe_constraints',
  `select pg_get_constraintdef(oid) as definition from pg_constraint
    where conrelid = ('maskline.' || quote_ident($1))::regclass and contype <> 'n' order by contype, conname`,
);
const indexes = statement(
  'describe_indexes',
  `select indexdef as definition from pg_indexes where schemaname = 'maskline' and tablename = $1 order by indexname`,
);

/** The schema as the migrations make it, in words that a change shows up in. */
export async function describeSchema(heading: string): Promise<string> {
  const database = await openTestDatabase();
  try {
    const sections = await database.run(systemScope, describeTables);
    return `# Schema\n\n${heading}\n\nWhat the migrations make. Role \`maskline_app\` sees the rows of one tenant.\n\n${sections.join('\n')}`;
  } finally {
    await database.close();
  }
}

async function describeTables(connection: SqlConnection): Promise<string[]> {
  const sections: string[] = [];
  for (const { name, forced } of await connection.query<{ name: string; forced: boolean }>(tables)) {
    const lines = [`## ${name}`, '', forced ? 'Row-level security forced.' : 'No tenant in it.', '', '```'];
    type Column = { name: string; type: string; required: boolean };
    for (const column of await connection.query<Column>(columns, [name])) {
      lines.push(`${column.name} ${column.type}${column.required ? ' not null' : ''}`);
    }
    for (const list of [constraints, indexes]) {
      for (const { definition } of await connection.query<{ definition: string }>(list, [name]))
        lines.push(definition);
    }
    sections.push([...lines, '```', ''].join('\n'));
  }
  return sections;
}
