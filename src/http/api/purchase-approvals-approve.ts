import { approvePurchases } from '../../app/purchase-approvals.ts';
import { Type } from 'typebox';
import { defineOperation, NOTHING } from '../operation.ts';
import {
  DecisionReason,
  PurchaseApprovalComponent,
  toPurchaseApprovalAnswer,
} from './purchase-approval-component.ts';
import { IdParams, strict } from './fields.ts';

export const purchaseApprovalsApprove = defineOperation({
  id: 'approvePurchases',
  method: 'POST',
  url: '/v1/purchase-approvals/:id/approve',
  tag: 'Purchases',
  scope: 'purchases:approve',
  summary: 'Approve purchases beyond the budget',
  description:
    'By another API key than the one that asked. From then on the numbers count beside the budget for 30 days, and the stock is filled at once. What the service asked for, the first key that approves stands behind: `requestedBy` is that key then, `state` is still `asked`, and another key has to approve.',
  params: IdParams,
  query: NOTHING,
  body: Type.Object(
    { reason: Type.Optional(DecisionReason) },
    { ...strict, examples: [{ reason: 'Agreed with operations' }] },
  ),
  answer: PurchaseApprovalComponent,
  statuses: { 200: 'What became of it.' },
  errors: ['MASK_NOT_FOUND', 'MASK_APPROVAL_CLOSED', 'MASK_SECOND_PERSON_NEEDED'],
  repeatable: 'by_key',
  async run({ app, tenant, actor, params, body }) {
    const decided = await approvePurchases(app, { tenant, actor, id: params.id, ...body });
    return { status: 200, body: toPurchaseApprovalAnswer(decided) };
  },
});
