import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { assertConfined } from '../confinement.ts';
import { migrate } from '../migrate.ts';
import { type SqlConnection, statement, systemScope, tenantScope } from '../sql/connection.ts';
import { databaseUrl, runAsAdmin } from '../testing/open-test-postgres.ts';
import { ledgerMigrations, postgresWanted, usePostgres } from '../testing/use-postgres.ts';

const acme = tenantScope('acme');
const insert = statement('ledger_insert', 'insert into ledger (tenant, id, amount) values ($1, $2, 1)');
const selectIds = statement('ledger_ids', 'select id from ledger order by id');

async function idsOf(connection: SqlConnection): Promise<readonly number[]> {
  return (await connection.query<{ id: number }>(selectIds)).map(({ id }) => id);
}

const row = (id: number) => (connection: SqlConnection) => connection.query(insert, ['acme', id]);

describe.runIf(postgresWanted('hosts and roles of a PostgreSQL server'))('PostgresDatabase', () => {
  const postgres = usePostgres();

  describe('several hosts', () => {
    async function standInFor(standby: boolean): Promise<string> {
      const other = await postgres.server.createDatabase(ledgerMigrations);
      const name = new URL(other).pathname.slice(1);
      if (standby)
        await runAsAdmin(
          postgres.server.adminUrl,
          `alter database ${name} set default_transaction_read_only = on`,
        );
      return other;
    }

    it('uses the one that takes writes', async () => {
      // Both hosts are one server; what tells them apart is the way to it.
      const { proxy, proxyUrl } = await postgres.proxied();
      const hosts = new URL(postgres.url).host;
      const both = postgres.url.replace(hosts, `127.0.0.1:${proxy.port},${hosts}`);
      const database = await postgres.open({ connectionString: `${both}?target_session_attrs=read-write` });
      expect(database.status.host).toBe(new URL(proxyUrl).host);
      proxy.cut();
      await proxy.close();
      await vi.waitFor(() => database.transaction(acme, row(1)), 5_000);
      expect(database.status.host).toBe(hosts);
    });

    it('refuses a standby, by name and reason', async () => {
      const standby = await standInFor(true);
      await expect(postgres.open({ connectionString: standby })).rejects.toThrow(
        `${new URL(standby).host}: takes no writes`,
      );
      await postgres.open({ connectionString: `${standby}?target_session_attrs=any` });
    });

    it('leaves a host that became a standby', async () => {
      const database = await postgres.open({ acquireTimeoutMs: 500 });
      await database.run(acme, row(1));
      const name = new URL(postgres.url).pathname.slice(1);
      await runAsAdmin(
        postgres.server.adminUrl,
        `alter database ${name} set default_transaction_read_only = on`,
      );
      await runAsAdmin(
        postgres.server.adminUrl,
        `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '${name}'`,
      );
      await expect(database.run(acme, idsOf)).rejects.toMatchObject({ code: 'unavailable' });
      await runAsAdmin(
        postgres.server.adminUrl,
        `alter database ${name} reset default_transaction_read_only`,
      );
      await vi.waitFor(() => database.run(acme, row(2)), 5_000);
    });

    it('says why no host will do, without the password', async () => {
      const nowhere = 'postgres://u:secret@127.0.0.1:1,127.0.0.1:2/m';
      const error = await postgres.open({ connectionString: nowhere }).catch((refusal: unknown) => refusal);
      expect(`${error}`).toMatch(/127\.0\.0\.1:1: .*ECONNREFUSED.*127\.0\.0\.1:2: .*ECONNREFUSED/);
      expect(`${error}`).not.toContain('secret');
    });
  });

  describe('the login role', () => {
    async function asPlainRole(url = postgres.url): Promise<string> {
      const role = `plain_${new URL(url).pathname.slice(6)}`;
      const name = new URL(url).pathname.slice(1);
      await runAsAdmin(postgres.server.adminUrl, `create role ${role} login password 'p'`);
      await runAsAdmin(postgres.server.adminUrl, `grant create on database ${name} to ${role}`);
      const plain = new URL(url);
      plain.username = role;
      plain.password = 'p';
      return plain.href;
    }

    it('needs no more than to own the database, once an administrator has made the roles', async () => {
      const fresh = `test_fresh_${new URL(postgres.url).pathname.slice(6)}`;
      await runAsAdmin(postgres.server.adminUrl, `create database ${fresh}`);
      const plain = await asPlainRole(databaseUrl(postgres.url, fresh));
      const role = new URL(plain).username;
      const database = await postgres.open({ connectionString: plain });
      const refused = await migrate(database, { directory: ledgerMigrations, clock: systemClock }).catch(
        (error: unknown) => error,
      );
      expect(`${refused}`).toContain('grant maskline_app to');
      await runAsAdmin(postgres.server.adminUrl, `grant maskline_app, maskline_system to ${role}`);
      expect(await migrate(database, { directory: ledgerMigrations, clock: systemClock })).toMatchObject({
        version: 1,
      });
      await assertConfined(database);
      await database.close();
      await runAsAdmin(postgres.server.adminUrl, `drop database ${fresh} with (force)`);
    });

    it('is told what to do when it cannot take on the roles', async () => {
      const database = await postgres.open({ connectionString: await asPlainRole() });
      await expect(database.run(acme, idsOf)).rejects.toThrow('maskline migrate');
      await expect(database.transaction(acme, idsOf)).rejects.toThrow('maskline migrate');
    });
  });

  describe('behind a transaction pooler', () => {
    it('confines every statement, and leaves nothing in the session', async () => {
      const database = await postgres.open({ transactionPooler: true, poolSize: 1 });
      await assertConfined(database);
      await database.run(acme, row(1));
      await database.transaction(tenantScope('other'), (connection) =>
        connection.query(insert, ['other', 2]),
      );
      expect(await database.run(acme, idsOf)).toEqual([1]);
      expect(await database.run(systemScope, idsOf)).toEqual([1, 2]);
      const leftOver = statement('left_over', `select count(*) as n from pg_prepared_statements`);
      expect(await database.run(acme, (connection) => connection.query(leftOver))).toEqual([{ n: 0 }]);
    });
  });

  it('states the durability that the settings of the server give', async () => {
    const [fsync] = await runAsAdmin<{ fsync: string }>(postgres.server.adminUrl, 'show fsync');
    const database = await postgres.open();
    expect(database.durability).toBe(fsync?.fsync === 'on' ? 'power-loss' : 'process-crash');
    const acknowledged = statement('synchronous', `select current_setting('synchronous_commit') as setting`);
    expect(await database.run(acme, (connection) => connection.query(acknowledged))).toEqual([
      { setting: 'on' },
    ]);
  });

  it('refuses two statements with one name, and stays of use', async () => {
    const database = await postgres.open({ poolSize: 1 });
    await database.run(acme, idsOf);
    const impostor = statement(selectIds.name, 'select 1 as id');
    await expect(database.run(acme, (connection) => connection.query(impostor))).rejects.toThrow(
      'two statements',
    );
    expect(await database.run(acme, idsOf)).toEqual([]);
  });

  it('goes on after a migration changed a prepared statement under it', async () => {
    const database = await postgres.open({ poolSize: 1 });
    const everything = statement('everything', 'select * from ledger');
    await database.run(acme, row(1));
    await database.run(acme, (connection) => connection.query(everything));
    await runAsAdmin(postgres.url, 'alter table maskline.ledger add more text');
    const [found] = await database.run(acme, (connection) => connection.query(everything));
    expect(found).toMatchObject({ id: 1, more: null });
  });
});
