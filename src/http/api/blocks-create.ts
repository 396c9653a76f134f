import { Type } from 'typebox';
import { blockPerson } from '../../app/block-person.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { BlockComponent, toBlockAnswer } from './block-component.ts';
import { RealNumber, strict, text, UserId } from './fields.ts';
import { readRealNumbers } from './real-number.ts';

export const blocksCreate = defineOperation({
  id: 'createBlock',
  method: 'POST',
  url: '/v1/blocks',
  tag: 'Blocks',
  scope: 'blocks:write',
  summary: 'Block a person',
  description:
    'No call or text passes from or to this person any more, in any session, from the moment of the answer on; calls that are under way go on. No session opens with them. Give `realNumber`, `userId`, or both. Each block stands in the audit.',
  params: NOTHING,
  query: NOTHING,
  body: Type.Object(
    {
      realNumber: Type.Optional(RealNumber),
      userId: Type.Optional(UserId),
      reason: text(3, 500, { description: 'Why. It stands in the audit.', examples: ['Threats, case 4711'] }),
    },
    { ...strict, examples: [{ realNumber: '+12025550123', reason: 'Threats, case 4711' }] },
  ),
  answer: BlockComponent,
  statuses: { 201: 'The block, with the number masked.' },
  errors: ['MASK_INVALID_NUMBER', 'MASK_ALREADY_EXISTS'],
  repeatable: 'by_key',
  async run({ app, tenant, actor, body }) {
    const given = body.realNumber === undefined ? [] : [body.realNumber];
    const [realNumber = null] = readRealNumbers(
      given,
      (number) => number,
      () => '/realNumber',
    );
    const asked = { tenant, actor, realNumber, userId: body.userId ?? null, reason: body.reason };
    return { status: 201, body: toBlockAnswer(await blockPerson(app, asked)) };
  },
});
