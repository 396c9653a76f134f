import { MasklineError } from '../../domain/errors.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { CallComponent, toCallAnswer } from './call-component.ts';
import { IdParams } from './fields.ts';

export const callsGet = defineOperation({
  id: 'getCall',
  method: 'GET',
  url: '/v1/calls/:id',
  tag: 'Calls',
  scope: 'calls:read',
  summary: 'Read a call',
  description: 'Who called whom by role, what was decided and why, and how it went.',
  params: IdParams,
  query: NOTHING,
  body: NOTHING,
  answer: CallComponent,
  statuses: { 200: 'The call.' },
  errors: ['MASK_NOT_FOUND'],
  repeatable: 'by_nature',
  async run({ app, tenant, params }) {
    const call = await app.storage.run(tenant, (s) => s.calls.get(params.id));
    if (call === null) throw new MasklineError('MASK_NOT_FOUND', 'There is no call by that id.');
    return { status: 200, body: toCallAnswer(call) };
  },
});
