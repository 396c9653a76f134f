import { unblockPerson } from '../../app/block-person.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { BlockComponent, toBlockAnswer } from './block-component.ts';
import { IdParams } from './fields.ts';

export const blocksDelete = defineOperation({
  id: 'deleteBlock',
  method: 'DELETE',
  url: '/v1/blocks/:id',
  tag: 'Blocks',
  scope: 'blocks:write',
  summary: 'Lift a block',
  description: 'Sessions that are still open connect again, unless another block stops them.',
  params: IdParams,
  query: NOTHING,
  body: NOTHING,
  answer: BlockComponent,
  statuses: { 200: 'The block that was lifted.' },
  errors: ['MASK_NOT_FOUND'],
  repeatable: 'by_nature',
  async run({ app, tenant, actor, params }) {
    return { status: 200, body: toBlockAnswer(await unblockPerson(app, { tenant, actor, id: params.id })) };
  },
});
