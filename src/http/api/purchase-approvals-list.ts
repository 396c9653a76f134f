import { LIST_COST } from '../operation-cost.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { listOf, listQuery, readPage } from './list.ts';
import { PurchaseApprovalComponent, toPurchaseApprovalAnswer } from './purchase-approval-component.ts';

export const purchaseApprovalsList = defineOperation({
  id: 'listPurchaseApprovals',
  method: 'GET',
  url: '/v1/purchase-approvals',
  tag: 'Purchases',
  scope: 'purchases:read',
  cost: LIST_COST,
  summary: 'List purchases beyond the budget',
  description: 'What was asked and what became of it, newest first.',
  params: NOTHING,
  query: listQuery({}),
  body: NOTHING,
  answer: listOf(PurchaseApprovalComponent),
  statuses: { 200: 'A page.' },
  errors: [],
  repeatable: 'by_nature',
  async run({ app, tenant, query }) {
    const page = await readPage(
      { app, tenant, query },
      'purchase-approvals',
      (storage, at) => storage.spend.listApprovals(at),
      (approval) => approval.id,
    );
    const data = page.rows.map(toPurchaseApprovalAnswer);
    return { status: 200, body: { data, nextCursor: page.nextCursor } };
  },
});
