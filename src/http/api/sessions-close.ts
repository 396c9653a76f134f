import { Type } from 'typebox';
import { closeSession } from '../../app/close-session.ts';
import { MasklineError } from '../../domain/errors.ts';
import { ClosedReason } from '../../domain/session.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { IdParams, oneOf, strict } from './fields.ts';
import { SessionComponent } from './session-component.ts';

const REASONS = [ClosedReason.Completed, ClosedReason.Cancelled, ClosedReason.Closed] as const;

export const sessionsClose = defineOperation({
  id: 'closeSession',
  method: 'POST',
  url: '/v1/sessions/:id/close',
  tag: 'Sessions',
  scope: 'sessions:write',
  summary: 'Close a session',
  description:
    'No new call passes a second later, and the numbers rest. A session that is closed already is answered as it is. After `completed`, the grace of the pool applies.',
  params: IdParams,
  query: NOTHING,
  body: Type.Object(
    { reason: Type.Optional(oneOf(REASONS, { default: ClosedReason.Closed })) },
    { ...strict, examples: [{ reason: 'completed' }] },
  ),
  answer: SessionComponent,
  statuses: { 200: 'The closed session.' },
  errors: ['MASK_NOT_FOUND'],
  repeatable: 'by_key',
  audited: 'session.closed',
  async run({ app, tenant, params, body }) {
    const session = await closeSession(app, {
      tenant,
      sessionId: params.id,
      reason: body.reason ?? ClosedReason.Closed,
    });
    if (session === null) throw new MasklineError('MASK_NOT_FOUND', 'There is no session by that id.');
    return { status: 200, body: session };
  },
});
