import { Type } from 'typebox';
import { findHolders } from '../../app/holders.ts';
import { MasklineError } from '../../domain/errors.ts';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { AUDITED_LOOK_COST } from '../operation-cost.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { strict, Timestamp } from './fields.ts';
import { readTimestamp } from './timestamp.ts';
import { AskedReason, HoldersComponent, toHolderAnswer } from './holder-component.ts';
import { VirtualNumberParams } from './virtual-number-component.ts';

export const holdersList = defineOperation({
  id: 'listHolders',
  method: 'GET',
  url: '/v1/virtual-numbers/:e164/holders',
  tag: 'History',
  scope: 'history:read',
  cost: AUDITED_LOOK_COST,
  summary: 'Ask who stood behind a virtual number at a moment',
  description:
    'For lawful requests. Each question stands in the audit before it is answered. In a shared pool a number can stand for many people at once: the order tells them apart. Up to 200, newest first.',
  params: VirtualNumberParams,
  query: Type.Object({ at: Timestamp, reason: AskedReason }, strict),
  body: NOTHING,
  answer: HoldersComponent,
  statuses: { 200: 'Those for whom the number stood then; nobody is an answer, too.' },
  errors: ['MASK_NOT_FOUND'],
  repeatable: 'by_nature',
  async run({ app, tenant, actor, params, query }) {
    const virtualNumber = toVirtualNumber(params.e164);
    if (!virtualNumber) throw new MasklineError('MASK_NOT_FOUND', 'There is no such virtual number.');
    const at = readTimestamp(query.at, '?at');
    const holders = await findHolders(app, { tenant, actor, virtualNumber, at, reason: query.reason });
    return { status: 200, body: { data: holders.map(toHolderAnswer) } };
  },
});
