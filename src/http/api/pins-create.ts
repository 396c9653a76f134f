import { Type } from 'typebox';
import { createPin } from '../../app/create-pin.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { IdParams, strict } from './fields.ts';

export const PinComponent = {
  name: 'Pin',
  schema: Type.Object({
    sessionId: Type.String(),
    participantId: Type.String(),
    pin: Type.String({
      pattern: '^[0-9]{6,16}$',
      description:
        'Shown in the app of this participant only. It is not answered again, and not kept as it is.',
      examples: ['482913'],
    }),
  }),
};

export const pinsCreate = defineOperation({
  id: 'createPin',
  method: 'POST',
  url: '/v1/sessions/:id/pins',
  tag: 'Sessions',
  scope: 'pins:write',
  summary: 'Make the PIN of a participant',
  description:
    'What this participant keys in when they call from a number that is not known, or withheld, in pools whose `stepUp` is `pin`. The new one replaces the one before. It has 6 digits, and 10 in shared pools, where more people could be meant. Three tries a call; five wrong ones in a session and day, and only an announced call helps.',
  params: IdParams,
  query: NOTHING,
  body: Type.Object(
    {
      participantId: Type.String({
        pattern: '^[A-Za-z0-9_]{1,64}$',
        description: 'Whose PIN: id or role.',
      }),
    },
    { ...strict, examples: [{ participantId: 'driver' }] },
  ),
  answer: PinComponent,
  statuses: { 201: 'The PIN.' },
  errors: ['MASK_NOT_FOUND', 'MASK_SESSION_CLOSED', 'MASK_STEP_UP_OFF'],
  // Not by key: an answer that is kept would keep the PIN.
  repeatable: 'by_nature',
  async run({ app, tenant, actor, params, body }) {
    const made = await createPin(app, {
      tenant,
      actor,
      sessionId: params.id,
      participant: body.participantId,
    });
    return { status: 201, body: made };
  },
});
