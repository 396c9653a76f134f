import { Type } from 'typebox';
import { viewSession } from '../../app/session-view.ts';
import { LIST_COST } from '../operation-cost.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { Reference } from './fields.ts';
import { listOf, listQuery, readPage } from './list.ts';
import { SessionComponent } from './session-component.ts';

export const sessionsList = defineOperation({
  id: 'listSessions',
  method: 'GET',
  url: '/v1/sessions',
  tag: 'Sessions',
  scope: 'sessions:read',
  cost: LIST_COST,
  summary: 'List sessions',
  description: 'All of them, or those of one order.',
  params: NOTHING,
  query: listQuery({ reference: Type.Optional(Reference) }),
  body: NOTHING,
  answer: listOf(SessionComponent),
  statuses: { 200: 'A page of sessions.' },
  errors: [],
  repeatable: 'by_nature',
  async run({ app, tenant, query }) {
    const page = await readPage(
      { app, tenant, query },
      'sessions',
      (storage, at) => storage.sessions.list({ reference: query.reference ?? null }, at),
      (row) => row.id,
    );
    const data = await Promise.all(page.rows.map((row) => viewSession(app, tenant, row)));
    return { status: 200, body: { data, nextCursor: page.nextCursor } };
  },
});
