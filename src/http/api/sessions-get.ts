import { viewSession } from '../../app/session-view.ts';
import { MasklineError } from '../../domain/errors.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { IdParams } from './fields.ts';
import { SessionComponent } from './session-component.ts';

export const sessionsGet = defineOperation({
  id: 'getSession',
  method: 'GET',
  url: '/v1/sessions/:id',
  tag: 'Sessions',
  scope: 'sessions:read',
  summary: 'Read a session',
  description: 'Its participants, the numbers that stand for them, and whether it connects now.',
  params: IdParams,
  query: NOTHING,
  body: NOTHING,
  answer: SessionComponent,
  statuses: { 200: 'The session.' },
  errors: ['MASK_NOT_FOUND'],
  repeatable: 'by_nature',
  async run({ app, tenant, params }) {
    const row = await app.storage.run(tenant, (s) => s.sessions.get(params.id));
    if (row === null) throw new MasklineError('MASK_NOT_FOUND', 'There is no session by that id.');
    return { status: 200, body: await viewSession(app, tenant, row) };
  },
});
