import { describe, expect, it } from 'vitest';
import { type OwnerSession, statement } from './sql/connection.ts';
import { describeEachDatabase } from './testing/describe-each-database.ts';

/** What belongs to no tenant: how we know what was migrated, who does a job, and the embedded bus. */
const OF_NOBODY = ['bus_group_offset', 'bus_message', 'bus_topic', 'lease', 'schema_migration'];

const tables = statement(
  'isolation_tables',
  `select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
          exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant' and a.attnotnull) as owned,
          array(select p.polname || ' to ' || array_to_string(array(select rolname::text from pg_roles r where r.oid = any(p.polroles)), ',')
                       || ' ' || pg_get_expr(p.polqual, p.polrelid) || ' / ' || pg_get_expr(p.polwithcheck, p.polrelid)
                  from pg_policy p where p.polrelid = c.oid order by 1)::text[] as policies
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'maskline' and c.relkind in ('r', 'p') order by 1`,
);
const keys = statement(
  'isolation_keys',
  `select c.relname as name, x.contype::text as kind,
          (select a.attname from pg_attribute a where a.attrelid = c.oid and a.attnum = x.conkey[1]) as first
     from pg_constraint x join pg_class c on c.oid = x.conrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'maskline' and x.contype in ('p', 'f') order by 1`,
);
const privileges = statement(
  'isolation_privileges',
  `select role, privilege, has_table_privilege(role, 'maskline.audit', privilege) as granted
     from unnest(array['maskline_app', 'maskline_system']) role,
          unnest(array['select', 'insert', 'update', 'delete', 'truncate']) privilege`,
);

interface Table {
  readonly name: string;
  readonly enabled: boolean;
  readonly forced: boolean;
  readonly owned: boolean;
  readonly policies: readonly string[];
}

describeEachDatabase('the catalogs', (open) => {
  const ask = async <Row>(question: Parameters<OwnerSession['query']>[0]): Promise<readonly Row[]> =>
    (await open()).asOwner((session) => session.query<Row>(question));

  describe('say of every table of a tenant', () => {
    it('that it has one, and that row-level security is forced, by the same two policies', async () => {
      const all = await ask<Table>(tables);
      expect(all.filter(({ owned }) => !owned).map(({ name }) => name)).toEqual(OF_NOBODY);
      const owned = all.filter((table) => table.owned);
      expect(owned.length).toBeGreaterThan(20);
      const [like] = owned as [Table];
      expect(like.policies.join()).toMatch(/to maskline_system true \/ true/);
      expect(like.policies.join()).toMatch(
        /own_rows to maskline_app.*current_setting\('maskline.tenant'.* \/ .*current_setting/s,
      );
      for (const { name, enabled, forced, policies } of owned) {
        expect({ name, enabled, forced, policies }).toEqual({
          name,
          enabled: true,
          forced: true,
          policies: like.policies,
        });
      }
    });

    it('that its primary and foreign keys begin with the tenant', async () => {
      // The outbox is read in the order of its own ids, by a job that sees all tenants.
      const others = (await ask<{ name: string; kind: string; first: string }>(keys)).filter(
        ({ name, kind, first }) =>
          first !== 'tenant' && !OF_NOBODY.includes(name) && !(name === 'outbox' && kind === 'p'),
      );
      expect(others).toEqual([]);
    });
  });

  it('say that the audit can be read and added to, and nothing else', async () => {
    const granted = (await ask<{ role: string; privilege: string; granted: boolean }>(privileges))
      .filter((row) => row.granted)
      .map(({ role, privilege }) => `${role} ${privilege}`);
    expect(granted.sort()).toEqual([
      'maskline_app insert',
      'maskline_app select',
      'maskline_system insert',
      'maskline_system select',
    ]);
  });
});
