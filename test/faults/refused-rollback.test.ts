import { expect, it } from 'vitest';
import { statement, tenantScope } from '../../src/storage/sql/connection.ts';
import { usePostgres } from '../../src/storage/testing/use-postgres.ts';
import { FaultProxy } from './proxy/fault-proxy.ts';
import { postgresTap } from './proxy/postgres-tap.ts';

const acme = tenantScope('acme');
const insert = statement('ledger_insert', 'insert into ledger (tenant, id, amount) values ($1, $2, 1)');
const selectIds = statement('ledger_ids', 'select id from ledger order by id');

const postgres = usePostgres();

it('FLT-16: a rollback that fails leaves nothing behind that the next transaction would commit', async () => {
  let refused = 0;
  const { hostname, port } = new URL(postgres.url);
  const proxy = await FaultProxy.start({
    upstream: { host: hostname, port: Number(port) },
    tap: postgresTap((text) => {
      if (text !== 'rollback') return null;
      refused++;
      return { kind: 'refused', sqlState: '40001' };
    }),
  });
  try {
    const url = new URL(postgres.url);
    url.host = `127.0.0.1:${proxy.port}`;
    const database = await postgres.open({ connectionString: url.href, poolSize: 2 });
    const failing = database.transaction(acme, async (connection) => {
      await connection.query(insert, ['acme', 1]);
      throw new Error('It was not to be.');
    });
    await expect(failing).rejects.toThrow('It was not to be.');
    await database.transaction(acme, (connection) => connection.query(insert, ['acme', 2]));
    expect(refused).toBe(1);
    const direct = await postgres.open();
    expect(await direct.run(acme, (connection) => connection.query(selectIds))).toEqual([{ id: 2 }]);
  } finally {
    await proxy.close();
  }
});
