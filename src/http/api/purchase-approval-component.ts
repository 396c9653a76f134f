import { type Static, Type } from 'typebox';
import { PURCHASE_APPROVAL_STATES, type PurchaseApproval } from '../../storage/purchase-approval-storage.ts';
import type { DeepReadonly } from '../operation.ts';
import { NullableTimestamp, nullableText, oneOf, text, Timestamp } from './fields.ts';

export const PurchaseApprovalComponent = {
  name: 'PurchaseApproval',
  schema: Type.Object({
    id: Type.String({ examples: ['pap_01kd3v8m2x5h9q7r4t6w8y0z2d'] }),
    providerAccount: Type.String(),
    purchases: Type.Integer({ description: 'Numbers, beyond the budget of 30 days.' }),
    reason: Type.String(),
    state: oneOf(PURCHASE_APPROVAL_STATES),
    requestedBy: nullableText({
      description: 'The API key that stands behind it; null while nobody does: the service asked by itself.',
      examples: ['key:key_01kd3v8m2x5h9q7r4t6w8y0z2e'],
    }),
    decidedBy: nullableText({
      description: 'The API key that decided; never the one that asked, if it approved.',
    }),
    createdAt: Timestamp,
    expiresAt: Timestamp,
    decidedAt: NullableTimestamp,
  }),
};

export const DecisionReason = text(3, 500, { description: 'Why. It stands in the audit.' });

export function toPurchaseApprovalAnswer(
  approval: PurchaseApproval,
): DeepReadonly<Static<typeof PurchaseApprovalComponent.schema>> {
  const { id, providerAccount, purchases, reason, state, requestedBy, decidedBy } = approval;
  return {
    ...{ id, providerAccount, purchases, reason, state, requestedBy, decidedBy },
    createdAt: new Date(approval.createdAt).toISOString(),
    expiresAt: new Date(approval.expiresAt).toISOString(),
    decidedAt: approval.decidedAt === null ? null : new Date(approval.decidedAt).toISOString(),
  };
}
