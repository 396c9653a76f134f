import { Type } from 'typebox';
import { LIST_COST } from '../operation-cost.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { PoolName } from './fields.ts';
import { listOf, listQuery, readPage } from './list.ts';
import { State, toVirtualNumberAnswer, VirtualNumberComponent } from './virtual-number-component.ts';

export const virtualNumbersList = defineOperation({
  id: 'listVirtualNumbers',
  method: 'GET',
  url: '/v1/virtual-numbers',
  tag: 'Virtual numbers',
  scope: 'virtual_numbers:read',
  cost: LIST_COST,
  summary: 'List virtual numbers',
  description: 'All of them, or those of a pool, or those in a state.',
  params: NOTHING,
  query: listQuery({ pool: Type.Optional(PoolName), state: Type.Optional(State) }),
  body: NOTHING,
  answer: listOf(VirtualNumberComponent),
  statuses: { 200: 'A page of virtual numbers.' },
  errors: [],
  repeatable: 'by_nature',
  async run({ app, tenant, query }) {
    const filter = { pool: query.pool ?? null, state: query.state ?? null };
    const page = await readPage(
      { app, tenant, query },
      'virtual-numbers',
      (storage, at) => storage.virtualNumbers.list(filter, at),
      (row) => row.virtualNumber,
    );
    return {
      status: 200,
      body: { data: page.rows.map(toVirtualNumberAnswer), nextCursor: page.nextCursor },
    };
  },
});
