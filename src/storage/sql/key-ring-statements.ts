import type { StoredDataKey } from '../../privacy/vault.ts';
import type { KeyRingStore } from '../privacy-storage.ts';
import { type Database, type SqlConnection, statement, systemScope } from './connection.ts';
import { at } from './parameters.ts';

const dataKeyList = statement(
  'data_key_list',
  'select key_id as "keyId", purpose, state, day, wrapped from data_key where tenant = $1 order by key_id',
);
const dataKeyInsert = statement(
  'data_key_insert',
  `insert into data_key (tenant, key_id, purpose, wrapped, created_at, state, day)
   values ($1, $2, $3, $4, $5, $6, $7::text::date) on conflict do nothing`,
);
const dataKeySetState = statement(
  'data_key_set_state',
  'update data_key set state = $4 where tenant = $1 and key_id = $2 and state = $3 returning key_id',
);
const dataKeyRewrap = statement(
  'data_key_rewrap',
  'update data_key set wrapped = $4 where tenant = $1 and key_id = $2 and wrapped = $3 returning key_id',
);
const dataKeyDestroy = statement(
  'data_key_destroy',
  `update data_key set wrapped = null, state = 'destroyed', destroyed_at = $3 where tenant = $1 and key_id = $2`,
);

export function keyRingStatements(database: Database): KeyRingStore {
  const run = <T>(work: (connection: SqlConnection) => Promise<T>): Promise<T> =>
    database.run(systemScope, work);
  return {
    dataKeyList: (tenant) => run((connection) => connection.query<StoredDataKey>(dataKeyList, [tenant])),
    async dataKeyInsert(tenant, key, createdAt) {
      const { keyId, purpose, wrapped, state = 'active', day = null } = key;
      const values = [tenant, keyId, purpose, wrapped, at(createdAt), state, day];
      await run((connection) => connection.query(dataKeyInsert, values));
    },
    async dataKeySetState(tenant, keyId, from, to) {
      const values = [tenant, keyId, from, to];
      return (await run((connection) => connection.query(dataKeySetState, values))).length > 0;
    },
    async indexKeySwap(tenant, outgoing, incoming) {
      await database.transaction(systemScope, async (connection) => {
        await connection.query(dataKeySetState, [tenant, outgoing, 'active', 'writing']);
        await connection.query(dataKeySetState, [tenant, incoming, 'writing', 'active']);
      });
    },
    async dataKeyRewrap(tenant, keyId, from, to) {
      return (
        (await run((connection) => connection.query(dataKeyRewrap, [tenant, keyId, from, to]))).length > 0
      );
    },
    async dataKeyDestroy(tenant, keyId, destroyedAt) {
      await run((connection) => connection.query(dataKeyDestroy, [tenant, keyId, at(destroyedAt)]));
    },
  };
}
