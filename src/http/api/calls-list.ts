import { Type } from 'typebox';
import { LIST_COST } from '../operation-cost.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { CallComponent, toCallAnswer } from './call-component.ts';
import { Reference, text } from './fields.ts';
import { listOf, listQuery, readPage } from './list.ts';

export const callsList = defineOperation({
  id: 'listCalls',
  method: 'GET',
  url: '/v1/calls',
  tag: 'Calls',
  scope: 'calls:read',
  cost: LIST_COST,
  summary: 'List calls',
  description: 'All of them, or those of a session or of an order. Refused calls are in the list as well.',
  params: NOTHING,
  query: listQuery({
    session: Type.Optional(text(1, 64, { description: 'Id of a session.' })),
    reference: Type.Optional(Reference),
  }),
  body: NOTHING,
  answer: listOf(CallComponent),
  statuses: { 200: 'A page of calls.' },
  errors: [],
  repeatable: 'by_nature',
  async run({ app, tenant, query }) {
    const filter = { sessionId: query.session ?? null, reference: query.reference ?? null };
    const page = await readPage(
      { app, tenant, query },
      'calls',
      (storage, at) => storage.calls.list(filter, at),
      (call) => call.id,
    );
    return { status: 200, body: { data: page.rows.map(toCallAnswer), nextCursor: page.nextCursor } };
  },
});
