import { type Static, Type } from 'typebox';
import { ANNOUNCEMENTS, type DecisionReason } from '../../domain/route.ts';
import { assertNever } from '../../lib/assert.ts';
import type { CallInstruction } from '../../providers/provider.ts';
import { Reason } from './call-component.ts';
import { nullableText, oneOf, VirtualNumberText } from './fields.ts';

const Bridge = Type.Object(
  {
    decision: oneOf(['bridge']),
    destination: Type.String({
      description: 'The real number to connect. It must not reach the caller, nor any log.',
      examples: ['+447700900456'],
    }),
    callerId: VirtualNumberText,
    ringTimeoutSeconds: Type.Integer(),
    maxCallSeconds: Type.Integer(),
    recording: Type.Optional(
      Type.Object(
        { consent: Type.String() },
        { description: 'Record the call, after both have heard this sentence. Left out: do not record.' },
      ),
    ),
    sessionId: nullableText(),
  },
  { description: 'Connect the caller with `destination`, showing `callerId` and nothing else.' },
);

const Refusal = Type.Object(
  {
    decision: oneOf(['announce', 'collect_pin', 'reject']),
    reason: Reason,
    announcement: nullableText({
      description: 'What to say to the caller before hanging up; null for nothing.',
    }),
    digits: Type.Optional(Type.Integer({ description: 'How many digits to collect, with `collect_pin`.' })),
  },
  { description: 'Do not connect.' },
);

export const RouteDecisionComponent = { name: 'RouteDecision', schema: Type.Union([Bridge, Refusal]) };

/** The one answer of the API that holds a real number: the switch cannot connect without it. */
export function toRouteDecisionAnswer(decided: {
  readonly sessionId: string | null;
  readonly reason: DecisionReason;
  readonly instruction: CallInstruction;
}): Static<typeof RouteDecisionComponent.schema> {
  const { sessionId, reason, instruction } = decided;
  switch (instruction.decision) {
    case 'bridge':
      return {
        decision: 'bridge',
        destination: instruction.destination.reveal(),
        callerId: instruction.callerId,
        ringTimeoutSeconds: instruction.ringTimeoutSeconds,
        maxCallSeconds: instruction.maxCallSeconds,
        ...(instruction.recording && { recording: { ...instruction.recording } }),
        sessionId,
      };
    case 'announce':
      return { decision: 'announce', reason, announcement: ANNOUNCEMENTS[instruction.announcement] };
    case 'collect_pin':
      return { decision: 'collect_pin', reason, announcement: null, digits: instruction.digits };
    case 'reject':
      return { decision: 'reject', reason, announcement: null };
    default:
      return assertNever(instruction);
  }
}
