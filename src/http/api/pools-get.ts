import { MasklineError } from '../../domain/errors.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { PoolComponent, PoolNameParams, toPoolAnswer } from './pool-component.ts';

export const poolsGet = defineOperation({
  id: 'getPool',
  method: 'GET',
  url: '/v1/pools/:name',
  tag: 'Pools',
  scope: 'pools:read',
  summary: 'Read a pool and its stock',
  description: 'The policy of the pool, and how many of its numbers are idle, allocated, resting …',
  params: PoolNameParams,
  query: NOTHING,
  body: NOTHING,
  answer: PoolComponent,
  statuses: { 200: 'The pool.' },
  errors: ['MASK_NOT_FOUND'],
  repeatable: 'by_nature',
  async run({ app, tenant, params }) {
    const answer = await app.storage.run(tenant, async ({ pools }) => {
      const pool = await pools.get(params.name);
      return pool && toPoolAnswer(pool, await pools.stockNow(pool.name, app.clock.now()));
    });
    if (answer === null) throw new MasklineError('MASK_NOT_FOUND', 'There is no pool by that name.');
    return { status: 200, body: answer };
  },
});
