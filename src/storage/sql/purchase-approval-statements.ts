import type { PurchaseApproval, PurchaseApprovalStorage } from '../purchase-approval-storage.ts';
import { type SqlConnection, statement } from './connection.ts';
import { at, atOrNull } from './parameters.ts';

const COLUMNS = `id, provider_account as "providerAccount", purchases, reason, state, requested_by as "requestedBy",
  decided_by as "decidedBy", created_at as "createdAt", expires_at as "expiresAt", decided_at as "decidedAt"`;

const approvalInsert = statement(
  'purchase_approval_insert',
  `insert into purchase_approval
     (tenant, id, provider_account, purchases, reason, state, requested_by, created_at, expires_at)
   values ($1, $2, $3, $4, $5, 'asked', $6, $7, $8)
   on conflict (tenant, provider_account) where state = 'asked' do nothing returning 1`,
);
const approvalLock = statement(
  'purchase_approval_lock',
  `select ${COLUMNS} from purchase_approval where tenant = $1 and id = $2 for update`,
);
const approvalList = statement(
  'purchase_approval_list',
  `select ${COLUMNS} from purchase_approval where tenant = $1 and ($2::text is null or id < $2) order by id desc limit $3`,
);
const approvalUpdate = statement(
  'purchase_approval_update',
  `update purchase_approval set state = $3, requested_by = $4, decided_by = $5, decided_at = $6
    where tenant = $1 and id = $2`,
);
const approvalExpire = statement(
  'purchase_approval_expire',
  `update purchase_approval set state = 'expired', decided_at = $2
    where tenant = $1 and state = 'asked' and expires_at <= $2 returning id`,
);
const approvedPurchases = statement(
  'purchase_approval_granted',
  `select coalesce(sum(purchases), 0)::int as purchases from purchase_approval
    where tenant = $1 and provider_account = $2 and state = 'approved' and decided_at > $3`,
);
const approvalDeclined = statement(
  'purchase_approval_declined',
  `select exists (select 1 from purchase_approval
                   where tenant = $1 and provider_account = $2 and state = 'declined' and decided_at > $3) as declined`,
);

export function purchaseApprovalStatements(
  connection: SqlConnection,
  tenant: string,
): PurchaseApprovalStorage {
  return {
    async insertApproval({ id, providerAccount, purchases, reason, requestedBy, createdAt, expiresAt }) {
      const values = [tenant, id, providerAccount, purchases, reason, requestedBy];
      const rows = await connection.query(approvalInsert, [...values, at(createdAt), at(expiresAt)]);
      return rows.length > 0;
    },
    async lockApproval(id) {
      const [row] = await connection.query<PurchaseApproval>(approvalLock, [tenant, id]);
      return row ?? null;
    },
    listApprovals: ({ after, limit }) =>
      connection.query<PurchaseApproval>(approvalList, [tenant, after, limit]),
    async updateApproval({ id, state, requestedBy, decidedBy, decidedAt }) {
      const values = [tenant, id, state, requestedBy, decidedBy, atOrNull(decidedAt)];
      await connection.query(approvalUpdate, values);
    },
    async expireApprovals(now) {
      const rows = await connection.query<{ id: string }>(approvalExpire, [tenant, at(now)]);
      return rows.map(({ id }) => id);
    },
    async approvedPurchases(providerAccount, since) {
      const values = [tenant, providerAccount, at(since)];
      const [row] = await connection.query<{ purchases: number }>(approvedPurchases, values);
      return row?.purchases ?? 0;
    },
    async wasDeclined(providerAccount, since) {
      const values = [tenant, providerAccount, at(since)];
      const [row] = await connection.query<{ declined: boolean }>(approvalDeclined, values);
      return row?.declined ?? false;
    },
  };
}
