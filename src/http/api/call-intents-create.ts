import { Type } from 'typebox';
import { announceCall } from '../../app/announce-call.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { IdParams, RealNumber, strict, Timestamp, VirtualNumberText } from './fields.ts';
import { readRealNumbers } from './real-number.ts';

const IdOrRole = (description: string) => Type.String({ pattern: '^[A-Za-z0-9_]{1,64}$', description });

export const CallIntentComponent = {
  name: 'CallIntent',
  schema: Type.Object({
    id: Type.String({ examples: ['int_01kd3v8m2x5h9q7r4t6w8y0z2f'] }),
    sessionId: Type.String(),
    participantId: Type.String(),
    virtualNumber: { ...VirtualNumberText, description: 'What this participant dials now.' },
    expiresAt: Timestamp,
  }),
};

export const callIntentsCreate = defineOperation({
  id: 'createCallIntent',
  method: 'POST',
  url: '/v1/sessions/:id/call-intents',
  tag: 'Sessions',
  scope: 'call_intents:write',
  summary: 'Announce a call',
  description:
    'Your app says that a participant is about to call, from a phone whose number may not be theirs. For 60 seconds one call to `virtualNumber` from a number that is not known, or not verified enough, is connected as theirs, in pools whose `stepUp` is `intent` or `pin`. When two such calls are announced on one number, neither can be told from the other, and none is connected; with `callingNumber` there is no doubt.',
  params: IdParams,
  query: NOTHING,
  body: Type.Object(
    {
      participantId: IdOrRole('Who is about to call: id or role.'),
      to: Type.Optional(IdOrRole('Whom they call: id or role. Needed with more than two participants.')),
      callingNumber: Type.Optional({
        ...RealNumber,
        description:
          'From which number, if your app knows: then only a call from there uses it. It is not kept.',
      }),
    },
    { ...strict, examples: [{ participantId: 'driver' }] },
  ),
  answer: CallIntentComponent,
  statuses: { 201: 'The announcement.' },
  errors: ['MASK_NOT_FOUND', 'MASK_SESSION_CLOSED', 'MASK_INVALID_NUMBER', 'MASK_STEP_UP_OFF'],
  repeatable: 'by_key',
  audited: 'call.announced',
  async run({ app, tenant, params, body }) {
    const given = body.callingNumber === undefined ? [] : [body.callingNumber];
    const [callingNumber = null] = readRealNumbers(
      given,
      (number) => number,
      () => '/callingNumber',
    );
    const { participantId, to = null } = body;
    const announced = await announceCall(app, {
      tenant,
      sessionId: params.id,
      caller: participantId,
      callee: to,
      callingNumber,
    });
    const expiresAt = new Date(announced.expiresAt).toISOString();
    return {
      status: 201,
      body: {
        id: announced.id,
        sessionId: announced.sessionId,
        participantId: announced.participantId,
        virtualNumber: announced.virtualNumber,
        expiresAt,
      },
    };
  },
});
