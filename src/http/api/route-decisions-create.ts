import { Type } from 'typebox';
import { routeCall } from '../../app/route-call.ts';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { PhoneNumber } from '../../privacy/phone-number.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { nullableOneOf, nullableText, oneOf, ProviderAccountName, strict, text } from './fields.ts';
import { RouteDecisionComponent, toRouteDecisionAnswer } from './route-decision-component.ts';

export const routeDecisionsCreate = defineOperation({
  id: 'createRouteDecision',
  method: 'POST',
  url: '/v1/route-decisions',
  tag: 'Route decisions',
  scope: 'route_decisions:write',
  summary: 'Ask whom to connect',
  description:
    'For operators and switches that ask in plain JSON. Answered within 400 ms, with a refusal if need be. The same `callId` asked twice gets the same answer, so no `Idempotency-Key` is needed.',
  params: NOTHING,
  query: NOTHING,
  body: Type.Object(
    {
      callingNumber: Type.Optional(
        nullableText({
          maxLength: 64,
          description:
            'Who calls, E.164 with `+`. Null, or anything that is no number, is a withheld caller.',
          examples: ['+12025550123'],
        }),
      ),
      calledNumber: Type.String({
        maxLength: 64,
        description: 'What was dialled, E.164 with `+`. What is no virtual number of yours is refused.',
        examples: ['+12025550188'],
      }),
      callId: text(1, 128, { description: 'Your id of this call or text. Up to 128 characters.' }),
      kind: Type.Optional(oneOf(['call', 'message'], { default: 'call' })),
      digits: Type.Optional(
        nullableText({ pattern: '^[0-9A-Da-d*#]{0,32}$', description: 'What was keyed in.' }),
      ),
      attestation: Type.Optional(
        nullableOneOf(['A', 'B', 'C', 'failed'], {
          description: 'STIR/SHAKEN, as your network verified it; `failed` when it did not verify.',
        }),
      ),
      providerAccount: Type.Optional(
        Type.Union([ProviderAccountName, Type.Null()], {
          description: 'At which provider account the call arrived; null, or left out, for any of yours.',
        }),
      ),
    },
    {
      ...strict,
      examples: [{ callingNumber: '+12025550123', calledNumber: '+12025550188', callId: 'a84b4c76e66710' }],
    },
  ),
  answer: RouteDecisionComponent,
  statuses: { 200: 'The decision.' },
  errors: [],
  repeatable: 'by_nature',
  async run({ app, tenant, body, waitedMs }) {
    const decided = await routeCall(app, {
      tenant,
      providerAccount: body.providerAccount ?? null,
      providerCallId: body.callId,
      kind: body.kind ?? 'call',
      callingNumber: PhoneNumber.parse(body.callingNumber),
      calledNumber: toVirtualNumber(body.calledNumber),
      attestation: body.attestation ?? null,
      digits: body.digits ?? null,
      collectsPin: true,
      waitedMs,
    });
    return { status: 200, body: toRouteDecisionAnswer(decided) };
  },
});
