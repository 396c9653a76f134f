import { Type } from 'typebox';
import { APPROVED_PURCHASES_MAXIMUM, requestPurchases } from '../../app/purchase-approvals.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { strict, text } from './fields.ts';
import { PurchaseApprovalComponent, toPurchaseApprovalAnswer } from './purchase-approval-component.ts';

export const purchaseApprovalsCreate = defineOperation({
  id: 'createPurchaseApproval',
  method: 'POST',
  url: '/v1/purchase-approvals',
  tag: 'Purchases',
  scope: 'purchases:request',
  summary: 'Ask to buy more than the budget',
  description:
    'A provider account may buy more numbers than its budget of 30 days once somebody with another API key has approved it. It can wait for seven days, and one at a time for an account. The service asks by itself when a pool wants more than the budget has; then two keys have to approve.',
  params: NOTHING,
  query: NOTHING,
  body: Type.Object(
    {
      providerAccount: text(1, 64),
      purchases: Type.Integer({
        minimum: 1,
        maximum: APPROVED_PURCHASES_MAXIMUM,
        description: 'How many numbers, beyond the budget.',
      }),
      reason: text(3, 500, {
        description: 'Why. It stands in the audit.',
        examples: ['A second city opens'],
      }),
    },
    { ...strict, examples: [{ providerAccount: 'calls', purchases: 200, reason: 'A second city opens' }] },
  ),
  answer: PurchaseApprovalComponent,
  statuses: { 201: 'What was asked.' },
  errors: ['MASK_UNKNOWN_PROVIDER_ACCOUNT', 'MASK_ALREADY_EXISTS'],
  repeatable: 'by_key',
  async run({ app, tenant, actor, body }) {
    return {
      status: 201,
      body: toPurchaseApprovalAnswer(await requestPurchases(app, { tenant, actor, ...body })),
    };
  },
});
