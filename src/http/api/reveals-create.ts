import { Type } from 'typebox';
import { revealNumber } from '../../app/holders.ts';
import { AUDITED_LOOK_COST } from '../operation-cost.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { IdParams, strict } from './fields.ts';
import { AskedReason, RevealComponent } from './holder-component.ts';

export const revealsCreate = defineOperation({
  id: 'createReveal',
  method: 'POST',
  url: '/v1/participants/:id/reveals',
  tag: 'History',
  scope: 'reveal',
  cost: AUDITED_LOOK_COST,
  summary: 'Reveal the real number of a participant',
  description:
    'The only call that answers a real number to a person. Each one stands in the audit, with its reason; a key may make 20 in an hour. Not there once the number was erased.',
  params: IdParams,
  query: NOTHING,
  body: Type.Object(
    { reason: AskedReason },
    { ...strict, examples: [{ reason: 'Court order 4711/26 of 1 March 2026' }] },
  ),
  answer: RevealComponent,
  statuses: { 201: 'The number.' },
  errors: ['MASK_NOT_FOUND', 'MASK_RATE_LIMITED'],
  // Not by key: an answer that is kept would keep the number.
  repeatable: 'by_nature',
  async run({ app, tenant, actor, params, body }) {
    const asked = { tenant, actor, participantId: params.id, reason: body.reason };
    return { status: 201, body: { participantId: params.id, realNumber: await revealNumber(app, asked) } };
  },
});
