import { LIST_COST } from '../operation-cost.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { listOf, listQuery, readPage } from './list.ts';
import { PoolComponent, toPoolAnswer } from './pool-component.ts';

export const poolsList = defineOperation({
  id: 'listPools',
  method: 'GET',
  url: '/v1/pools',
  tag: 'Pools',
  scope: 'pools:read',
  cost: LIST_COST,
  summary: 'List pools',
  description: 'With the stock of each. Counting takes a moment in large pools.',
  params: NOTHING,
  query: listQuery({}),
  body: NOTHING,
  answer: listOf(PoolComponent),
  statuses: { 200: 'A page of pools.' },
  errors: [],
  repeatable: 'by_nature',
  async run({ app, tenant, query }) {
    const page = await readPage(
      { app, tenant, query },
      'pools',
      async ({ pools }, at) => {
        const found = [];
        for (const pool of await pools.list(at)) {
          found.push({ pool, stockNow: await pools.stockNow(pool.name, app.clock.now()) });
        }
        return found;
      },
      ({ pool }) => pool.name,
    );
    const data = page.rows.map(({ pool, stockNow }) => toPoolAnswer(pool, stockNow));
    return { status: 200, body: { data, nextCursor: page.nextCursor } };
  },
});
