import { Type } from 'typebox';
import { changeSession } from '../../app/change-session.ts';
import { MasklineError } from '../../domain/errors.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { IdParams, RealNumber, strict, VerifiedAt } from './fields.ts';
import { readTimestamp } from './timestamp.ts';
import { readRealNumbers } from './real-number.ts';
import { SessionComponent } from './session-component.ts';
import { ExpiresInSeconds } from './sessions-create.ts';

export const sessionsUpdate = defineOperation({
  id: 'updateSession',
  method: 'PATCH',
  url: '/v1/sessions/:id',
  tag: 'Sessions',
  scope: 'sessions:write',
  summary: "Extend a session, or change a participant's number",
  description: 'The virtual numbers stay as they are.',
  params: IdParams,
  query: NOTHING,
  body: Type.Object(
    {
      expiresInSeconds: Type.Optional(ExpiresInSeconds),
      participant: Type.Optional(
        Type.Object(
          {
            id: Type.String({ minLength: 1, maxLength: 64 }),
            realNumber: RealNumber,
            verifiedAt: Type.Optional(VerifiedAt),
          },
          { ...strict, description: 'Whose number changes, and what it is now.' },
        ),
      ),
    },
    { ...strict, minProperties: 1, examples: [{ expiresInSeconds: 3600 }] },
  ),
  answer: SessionComponent,
  statuses: { 200: 'The session as it is now.' },
  errors: [
    'MASK_NOT_FOUND',
    'MASK_SESSION_CLOSED',
    'MASK_INVALID_NUMBER',
    'MASK_EQUAL_NUMBERS',
    'MASK_NUMBER_NOT_ALLOWED',
    'MASK_PERSON_BLOCKED',
    'MASK_NUMBER_NOT_VERIFIED',
    'MASK_VIRTUAL_NUMBER_IN_USE',
  ],
  repeatable: 'by_key',
  audited: 'session.changed',
  async run({ app, tenant, params, body }) {
    const changed = body.participant === undefined ? [] : [body.participant];
    const [realNumber] = readRealNumbers(
      changed,
      (participant) => participant.realNumber,
      () => '/participant/realNumber',
    );
    const said = body.participant?.verifiedAt;
    const verifiedAt = said === undefined ? null : readTimestamp(said, '/participant/verifiedAt');
    const session = await changeSession(app, {
      tenant,
      sessionId: params.id,
      ...(body.expiresInSeconds === undefined ? {} : { expiresInSeconds: body.expiresInSeconds }),
      ...(body.participant && realNumber
        ? { participant: { id: body.participant.id, realNumber, verifiedAt } }
        : {}),
    });
    if (session === null) throw new MasklineError('MASK_NOT_FOUND', 'There is no session by that id.');
    return { status: 200, body: session };
  },
});
