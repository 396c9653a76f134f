import { Type } from 'typebox';
import { updatePool } from '../../app/update-pool.ts';
import { MasklineError } from '../../domain/errors.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { strict } from './fields.ts';
import {
  PoolComponent,
  PoolNameParams,
  PoolPolicyFields,
  toPolicyChanges,
  toPoolAnswer,
} from './pool-component.ts';

export const poolsUpdate = defineOperation({
  id: 'updatePool',
  method: 'PATCH',
  url: '/v1/pools/:name',
  tag: 'Pools',
  scope: 'pools:write',
  summary: 'Change the policy of a pool',
  description:
    'Changes the fields that are sent. Sessions that are open keep what they were opened with. `stock: null` stops buying.',
  params: PoolNameParams,
  query: NOTHING,
  body: Type.Object(PoolPolicyFields, {
    ...strict,
    minProperties: 1,
    examples: [{ ringTimeoutSeconds: 30 }],
  }),
  answer: PoolComponent,
  statuses: { 200: 'The pool as it is now.' },
  errors: ['MASK_NOT_FOUND', 'MASK_POOL_IN_USE', 'MASK_UNKNOWN_PROVIDER_ACCOUNT'],
  repeatable: 'by_key',
  audited: 'pool.changed',
  async run({ app, tenant, params, body }) {
    const pool = await updatePool(app, { tenant, name: params.name, changes: toPolicyChanges(body) });
    if (pool === null) throw new MasklineError('MASK_NOT_FOUND', 'There is no pool by that name.');
    const stockNow = await app.storage.run(tenant, (s) => s.pools.stockNow(pool.name, app.clock.now()));
    return { status: 200, body: toPoolAnswer(pool, stockNow) };
  },
});
