import { Type } from 'typebox';
import { unblockParticipant } from '../../app/block-participant.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { SessionBlockComponent, toSessionBlockAnswer } from './block-component.ts';
import { IdParams } from './fields.ts';

export const sessionBlocksDelete = defineOperation({
  id: 'deleteSessionBlock',
  method: 'DELETE',
  url: '/v1/sessions/:id/blocks/:block',
  tag: 'Blocks',
  scope: 'sessions:write',
  summary: 'Lift the block of a participant',
  description: 'The other one can reach them again, unless another block stops it.',
  params: Type.Object({ ...IdParams.properties, block: Type.String({ pattern: '^[A-Za-z0-9_]{1,64}$' }) }),
  query: NOTHING,
  body: NOTHING,
  answer: SessionBlockComponent,
  statuses: { 200: 'The block that was lifted.' },
  errors: ['MASK_NOT_FOUND'],
  repeatable: 'by_nature',
  async run({ app, tenant, actor, params }) {
    const asked = { tenant, actor, sessionId: params.id, id: params.block };
    return { status: 200, body: toSessionBlockAnswer(await unblockParticipant(app, asked)) };
  },
});
