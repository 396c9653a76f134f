import type { Storage, TenantStorage } from '../storage.ts';
import { apiKeyStatements, providerAccountStatements } from './account-statements.ts';
import { assignmentStatements } from './assignment-statements.ts';
import { auditStatements } from './audit-statements.ts';
import { callStatements } from './call-statements.ts';
import { blockStatements } from './block-statements.ts';
import { type Database, type SqlConnection, statement, tenantScope } from './connection.ts';
import { endingStatements } from './ending-statements.ts';
import { erasureStatements } from './erasure-statements.ts';
import { appendOutbox, insertInbox, isInboxKnown } from './event-statements.ts';
import { type GatheredStatements, gatheredStatements } from './gathered-statements.ts';
import { idempotencyStatements, intentStatements } from './intent-statements.ts';
import { keyRingStatements } from './key-ring-statements.ts';
import { messageStatements } from './message-statements.ts';
import { poolStatements } from './pool-statements.ts';
import { referenceStatements } from './reference-statements.ts';
import { routeStatements } from './route-statements.ts';
import { sessionStatements } from './session-statements.ts';
import { spendStatements, spendSystemStatements } from './spend-statements.ts';
import { rekeyStatements } from './rekey-statements.ts';
import { stepUpStatements } from './step-up-statements.ts';
import { systemStatements } from './system-statements.ts';
import { virtualNumberStatements } from './virtual-number-statements.ts';
import { webhookStatements, webhookSystemStatements } from './webhook-statements.ts';

const savepoint = statement('attempt_begin', 'savepoint attempt');
const rollbackToSavepoint = statement('attempt_undo', 'rollback to savepoint attempt');
const releaseSavepoint = statement('attempt_keep', 'release savepoint attempt');

export interface SqlStorageOptions {
  /** false sends each statement of a call by itself; for comparison only. Default true */
  readonly gathers?: boolean;
}

/** The Storage port on any Database: the SQL is written once. */
export function createSqlStorage(database: Database, { gathers = true }: SqlStorageOptions = {}): Storage {
  const gathered = gathers ? gatheredStatements(database) : () => null;
  return {
    run: (tenant, work) =>
      database.run(tenantScope(tenant), (connection) =>
        work(tenantStorage(connection, tenant, gathered(tenant))),
      ),
    transaction: (tenant, work) =>
      database.transaction(tenantScope(tenant), (connection) =>
        work(tenantStorage(connection, tenant, null)),
      ),
    system: systemStatements(database),
    keys: keyRingStatements(database),
    webhooks: webhookSystemStatements(database),
    spend: spendSystemStatements(database),
    durability: database.durability,
  };
}

// Families are made when they are asked for: a call needs two of eleven.
function tenantStorage(
  connection: SqlConnection,
  tenant: string,
  gathered: GatheredStatements | null,
): TenantStorage {
  return {
    get pools() {
      return poolStatements(connection, tenant);
    },
    get virtualNumbers() {
      return virtualNumberStatements(connection, tenant);
    },
    get references() {
      return referenceStatements(connection, tenant);
    },
    get sessions() {
      return sessionStatements(connection, tenant);
    },
    get routes() {
      const routes = routeStatements(connection, tenant);
      return gathered ? { ...routes, lookup: gathered.lookup } : routes;
    },
    get calls() {
      const calls = callStatements(connection, tenant);
      return gathered ? { ...calls, insert: gathered.insertCall } : calls;
    },
    get messages() {
      return messageStatements(connection, tenant);
    },
    get providerAccounts() {
      return providerAccountStatements(connection, tenant);
    },
    get apiKeys() {
      return apiKeyStatements(connection, tenant);
    },
    get intents() {
      return intentStatements(connection, tenant);
    },
    get assignments() {
      return assignmentStatements(connection, tenant);
    },
    get endings() {
      return endingStatements(connection, tenant);
    },
    get idempotency() {
      return idempotencyStatements(connection, tenant);
    },
    get privacy() {
      return { ...rekeyStatements(connection, tenant), ...erasureStatements(connection, tenant) };
    },
    get audit() {
      return auditStatements(connection, tenant);
    },
    get stepUp() {
      return stepUpStatements(connection, tenant);
    },
    get blocks() {
      return blockStatements(connection, tenant);
    },
    get webhooks() {
      return webhookStatements(connection, tenant);
    },
    get spend() {
      return spendStatements(connection, tenant);
    },
    inboxInsert: (source, eventId, at) => insertInbox(connection, tenant, source, eventId, at),
    inboxKnown: (source, eventId) => isInboxKnown(connection, tenant, source, eventId),
    outboxAppend: (events) => appendOutbox(connection, tenant, events),
    async attempt(attempt) {
      await connection.query(savepoint);
      const result = await attempt();
      await connection.query(result === null ? rollbackToSavepoint : releaseSavepoint);
      return result;
    },
  };
}
