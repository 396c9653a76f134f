import { Type } from 'typebox';
import { changeVirtualNumber } from '../../app/change-virtual-number.ts';
import { MasklineError } from '../../domain/errors.ts';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { PoolName, strict } from './fields.ts';
import {
  State,
  toVirtualNumberAnswer,
  VirtualNumberComponent,
  VirtualNumberParams,
} from './virtual-number-component.ts';

export const virtualNumbersUpdate = defineOperation({
  id: 'updateVirtualNumber',
  method: 'PATCH',
  url: '/v1/virtual-numbers/:e164',
  tag: 'Virtual numbers',
  scope: 'virtual_numbers:write',
  summary: 'Change the state or the pool of a virtual number',
  description:
    'A number that serves a session, or rests after one, stays in its pool. `decommissioned` gives it back to its provider, or leaves it there with its former webhooks if it was imported.',
  params: VirtualNumberParams,
  query: NOTHING,
  body: Type.Object(
    { state: Type.Optional(State), pool: Type.Optional(PoolName) },
    { ...strict, minProperties: 1, examples: [{ state: 'suspended' }] },
  ),
  answer: VirtualNumberComponent,
  statuses: { 200: 'The virtual number as it is now.' },
  errors: [
    'MASK_NOT_FOUND',
    'MASK_VIRTUAL_NUMBER_IN_USE',
    'MASK_UNKNOWN_POOL',
    'MASK_DEPENDENCY_UNAVAILABLE',
  ],
  repeatable: 'by_key',
  audited: 'virtual_number.changed',
  async run({ app, tenant, params, body }) {
    const virtualNumber = toVirtualNumber(params.e164);
    const row = virtualNumber && (await changeVirtualNumber(app, { tenant, virtualNumber, ...body }));
    if (row === null) throw new MasklineError('MASK_NOT_FOUND', 'There is no such virtual number.');
    return { status: 200, body: toVirtualNumberAnswer(row) };
  },
});
