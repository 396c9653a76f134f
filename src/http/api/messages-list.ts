import { Type } from 'typebox';
import { LIST_COST } from '../operation-cost.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { text } from './fields.ts';
import { listOf, listQuery, readPage } from './list.ts';
import { MessageComponent, toMessageAnswer } from './message-component.ts';

export const messagesList = defineOperation({
  id: 'listMessages',
  method: 'GET',
  url: '/v1/messages',
  tag: 'Messages',
  scope: 'messages:read',
  cost: LIST_COST,
  summary: 'List messages',
  description: 'All of them, or those of a session. That a text was relayed is kept; its words are not.',
  params: NOTHING,
  query: listQuery({ session: Type.Optional(text(1, 64, { description: 'Id of a session.' })) }),
  body: NOTHING,
  answer: listOf(MessageComponent),
  statuses: { 200: 'A page of messages.' },
  errors: [],
  repeatable: 'by_nature',
  async run({ app, tenant, query }) {
    const page = await readPage(
      { app, tenant, query },
      'messages',
      (storage, at) => storage.messages.list({ sessionId: query.session ?? null }, at),
      (message) => message.id,
    );
    return { status: 200, body: { data: page.rows.map(toMessageAnswer), nextCursor: page.nextCursor } };
  },
});
