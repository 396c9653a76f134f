import { LIST_COST } from '../operation-cost.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { BlockComponent, toBlockAnswer } from './block-component.ts';
import { listOf, listQuery, readPage } from './list.ts';

export const blocksList = defineOperation({
  id: 'listBlocks',
  method: 'GET',
  url: '/v1/blocks',
  tag: 'Blocks',
  scope: 'blocks:read',
  cost: LIST_COST,
  summary: 'List blocks',
  description: 'Whom the company has blocked, newest first. Numbers are masked.',
  params: NOTHING,
  query: listQuery({}),
  body: NOTHING,
  answer: listOf(BlockComponent),
  statuses: { 200: 'A page of blocks.' },
  errors: [],
  repeatable: 'by_nature',
  async run({ app, tenant, query }) {
    const page = await readPage(
      { app, tenant, query },
      'blocks',
      (storage, at) => storage.blocks.listPersons(at),
      (block) => block.id,
    );
    return { status: 200, body: { data: page.rows.map(toBlockAnswer), nextCursor: page.nextCursor } };
  },
});
