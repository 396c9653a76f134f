import { declinePurchases } from '../../app/purchase-approvals.ts';
import { Type } from 'typebox';
import { defineOperation, NOTHING } from '../operation.ts';
import {
  DecisionReason,
  PurchaseApprovalComponent,
  toPurchaseApprovalAnswer,
} from './purchase-approval-component.ts';
import { IdParams, strict } from './fields.ts';

export const purchaseApprovalsDecline = defineOperation({
  id: 'declinePurchases',
  method: 'POST',
  url: '/v1/purchase-approvals/:id/decline',
  tag: 'Purchases',
  scope: 'purchases:approve',
  summary: 'Decline purchases beyond the budget',
  description: 'Whoever asked may do so as well. The service does not ask again for a day.',
  params: IdParams,
  query: NOTHING,
  body: Type.Object(
    { reason: Type.Optional(DecisionReason) },
    { ...strict, examples: [{ reason: 'The city opens later' }] },
  ),
  answer: PurchaseApprovalComponent,
  statuses: { 200: 'What became of it.' },
  errors: ['MASK_NOT_FOUND', 'MASK_APPROVAL_CLOSED'],
  repeatable: 'by_key',
  async run({ app, tenant, actor, params, body }) {
    const decided = await declinePurchases(app, { tenant, actor, id: params.id, ...body });
    return { status: 200, body: toPurchaseApprovalAnswer(decided) };
  },
});
