import type { AuditHead, AuditRow, AuditStorage } from '../audit-storage.ts';
import { type SqlConnection, statement } from './connection.ts';
import { at } from './parameters.ts';

// Two writers meet on this row, so that neither can take the other's number. The first row of a tenant has no head
// to lock yet: then the primary key of `audit` lets one of them pass, and the other tries again.
const auditLockHead = statement(
  'audit_lock_head',
  'select seq, hash from audit_head where tenant = $1 for update',
);
const auditHead = statement('audit_head', 'select seq, hash from audit_head where tenant = $1');
const auditAppend = statement(
  'audit_append',
  `with head as (
     insert into audit_head (tenant, seq, hash) values ($1, $2, $9)
     on conflict (tenant) do update set seq = excluded.seq, hash = excluded.hash where audit_head.seq = excluded.seq - 1)
   insert into audit (tenant, seq, at, actor, action, subject, details, previous_hash, hash)
   values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9)`,
);
const auditList = statement(
  'audit_list',
  `select seq, at, actor, action, subject, details, previous_hash as "previousHash", hash from audit
    where tenant = $1 and seq > $2 order by seq limit $3`,
);
const auditCount = statement(
  'audit_count',
  'select count(*)::int as count from audit where tenant = $1 and actor = $2 and action = $3 and at > $4',
);

export function auditStatements(connection: SqlConnection, tenant: string): AuditStorage {
  return {
    async lockHead() {
      return (await connection.query<AuditHead>(auditLockHead, [tenant]))[0] ?? null;
    },
    async append(row) {
      await connection.query(auditAppend, [
        tenant,
        row.seq,
        at(row.at),
        row.actor,
        row.action,
        row.subject,
        JSON.stringify(row.details),
        row.previousHash,
        row.hash,
      ]);
    },
    async head() {
      return (await connection.query<AuditHead>(auditHead, [tenant]))[0] ?? null;
    },
    list: (after, limit) => connection.query<AuditRow>(auditList, [tenant, after, limit]),
    async count(actor, action, since) {
      const values = [tenant, actor, action, at(since)];
      const [row] = await connection.query<{ count: number }>(auditCount, values);
      return row?.count ?? 0;
    },
  };
}
