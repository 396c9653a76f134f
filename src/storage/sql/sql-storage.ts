import type { Storage, TenantStorage } from '../storage.ts';
import { apiKeyStatements, providerAccountStatements } from './account-statements.ts';
import { assignmentStatements } from './assignment-statements.ts';
import { auditStatements } from './audit-statements.ts';
import { callStatements } from './call-statements.ts';
import { type Database, type SqlConnection, statement, tenantScope } from './connection.ts';
import { erasureStatements } from './erasure-statements.ts';
import { appendOutbox, insertInbox, isInboxKnown } from './event-statements.ts';
import { idempotencyStatements, intentStatements } from './intent-statements.ts';
import { keyRingStatements } from './key-ring-statements.ts';
import { messageStatements } from './message-statements.ts';
import { poolStatements } from './pool-statements.ts';
import { referenceStatements } from './reference-statements.ts';
import { routeStatements } from './route-statements.ts';
import { sessionStatements } from './session-statements.ts';
import { spendStatements, spendSystemStatements } from './spend-statements.ts';
import { rekeyStatements } from './rekey-statements.ts';
import { systemStatements } from './system-statements.ts';
import { virtualNumberStatements } from './virtual-number-statements.ts';
import { webhookStatements, webhookSystemStatements } from './webhook-statements.ts';

const savepoint = statement('attempt_begin', 'savepoint attempt');
const rollbackToSavepoint = statement('attempt_undo', 'rollback to savepoint attempt');
const releaseSavepoint = statement('attempt_keep', 'release savepoint attempt');

/** The Storage port on any Database: the SQL is written once. */
export function createSqlStorage(database: Database): Storage {
  return {
    run: (tenant, work) =>
      database.run(tenantScope(tenant), (connection) => work(tenantStorage(connection, tenant))),
    transaction: (tenant, work) =>
      database.transaction(tenantScope(tenant), (connection) => work(tenantStorage(connection, tenant))),
    system: systemStatements(database),
    keys: keyRingStatements(database),
    webhooks: webhookSystemStatements(database),
    spend: spendSystemStatements(database),
    durability: database.durability,
  };
}

// Families are made when they are asked for: a call needs two of eleven.
function tenantStorage(connection: SqlConnection, tenant: string): TenantStorage {
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
      return routeStatements(connection, tenant);
    },
    get calls() {
      return callStatements(connection, tenant);
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
    get idempotency() {
      return idempotencyStatements(connection, tenant);
    },
    get privacy() {
      return { ...rekeyStatements(connection, tenant), ...erasureStatements(connection, tenant) };
    },
    get audit() {
      return auditStatements(connection, tenant);
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
