import { Type } from 'typebox';
import { blockParticipant } from '../../app/block-participant.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { SessionBlockComponent, toSessionBlockAnswer } from './block-component.ts';
import { IdParams, strict } from './fields.ts';

const IdOrRole = (description: string) => Type.String({ pattern: '^[A-Za-z0-9_]{1,64}$', description });

export const sessionBlocksCreate = defineOperation({
  id: 'createSessionBlock',
  method: 'POST',
  url: '/v1/sessions/:id/blocks',
  tag: 'Blocks',
  scope: 'sessions:write',
  summary: 'Let a participant block another',
  description:
    'The block button of your app. From the moment of the answer on the other one does not reach this participant in this session, by call or text, and hears the same sentence as a stranger. The way back stays open.',
  params: IdParams,
  query: NOTHING,
  body: Type.Object(
    {
      participantId: IdOrRole('Who wants to be left alone: id or role.'),
      blocks: IdOrRole('Who shall not reach them: id or role.'),
    },
    { ...strict, examples: [{ participantId: 'customer', blocks: 'driver' }] },
  ),
  answer: SessionBlockComponent,
  statuses: { 201: 'The block. Asked for again, it is the one that stands.' },
  errors: ['MASK_NOT_FOUND', 'MASK_SESSION_CLOSED'],
  repeatable: 'by_key',
  async run({ app, tenant, actor, params, body }) {
    const asked = { tenant, actor, sessionId: params.id, ...body };
    return { status: 201, body: toSessionBlockAnswer(await blockParticipant(app, asked)) };
  },
});
