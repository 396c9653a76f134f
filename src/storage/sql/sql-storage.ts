import type { Storage } from '../storage.ts';
import { type Database, tenantScope } from './connection.ts';
import { gatheredStatements } from './gathered-statements.ts';
import { keyRingStatements } from './key-ring-statements.ts';
import { spendSystemStatements } from './spend-statements.ts';
import { systemStatements } from './system-statements.ts';
import { TenantStatements } from './tenant-statements.ts';
import { webhookSystemStatements } from './webhook-statements.ts';

export interface SqlStorageOptions {
  /** false sends each statement of a call by itself; for comparison only. Default true */
  readonly gathers?: boolean;
}

/** The Storage port on any Database: the SQL is written once. */
export function createSqlStorage(database: Database, { gathers = true }: SqlStorageOptions = {}): Storage {
  const gathered = gathers ? gatheredStatements(database) : () => null;
  return {
    run: (tenant, work, patience) =>
      database.run(
        tenantScope(tenant),
        (connection) => work(new TenantStatements(connection, tenant, gathered(tenant))),
        patience,
      ),
    transaction: (tenant, work) =>
      database.transaction(tenantScope(tenant), (connection) =>
        work(new TenantStatements(connection, tenant, null)),
      ),
    system: systemStatements(database),
    keys: keyRingStatements(database),
    webhooks: webhookSystemStatements(database),
    spend: spendSystemStatements(database),
    durability: database.durability,
  };
}
