import { type Static, Type } from 'typebox';
import { type CallRecord, Termination } from '../../domain/call.ts';
import { DECISION_REASONS } from '../../domain/route.ts';
import {
  NullableTimestamp,
  NullableVirtualNumber,
  nullableInteger,
  nullableOneOf,
  nullableText,
  oneOf,
  Timestamp,
} from './fields.ts';
import { toNullableTimestamp, toTimestamp } from './timestamp.ts';

export const DialledNumber = Type.String({
  description:
    'What was dialled; empty when that is no virtual number of yours, because it may be a real one.',
  examples: ['+12025550188'],
});

export const Reason = oneOf(DECISION_REASONS, { description: 'Why it was connected or not.' });

export const CallComponent = {
  name: 'Call',
  schema: Type.Object({
    id: Type.String({ examples: ['cal_01kd3v8m2x5h9q7r4t6w8y0z2b'] }),
    sessionId: nullableText(),
    providerAccount: Type.String(),
    providerCallId: Type.String({ description: "The provider's id of the call." }),
    callingRole: nullableText(),
    calledRole: nullableText(),
    virtualNumber: DialledNumber,
    callerId: nullableText({ ...NullableVirtualNumber, description: 'What the callee sees.' }),
    decision: oneOf(['bridge', 'announce', 'collect_pin', 'reject']),
    reason: Reason,
    attestation: nullableOneOf(['A', 'B', 'C', 'failed'], {
      description: 'STIR/SHAKEN, as the network verified the caller; null when it said nothing.',
    }),
    state: oneOf(['decided', 'ringing', 'answered', 'ended', 'refused']),
    startedAt: Timestamp,
    ringingAt: NullableTimestamp,
    answeredAt: NullableTimestamp,
    endedAt: NullableTimestamp,
    durationSeconds: nullableInteger({ description: 'Seconds of talk.' }),
    termination: nullableOneOf(Object.values(Termination), { description: 'How it came to its end.' }),
    nativeCause: nullableText({ description: "The provider's own word for the end, if it said one." }),
  }),
};

export function toCallAnswer(call: CallRecord): Static<typeof CallComponent.schema> {
  return {
    id: call.id,
    sessionId: call.sessionId,
    providerAccount: call.providerAccount,
    providerCallId: call.providerCallId,
    callingRole: call.callingRole,
    calledRole: call.calledRole,
    virtualNumber: call.virtualNumber,
    callerId: call.callerId,
    decision: call.decision,
    reason: call.reason,
    attestation: call.attestation,
    state: call.state,
    startedAt: toTimestamp(call.startedAt),
    ringingAt: toNullableTimestamp(call.ringingAt),
    answeredAt: toNullableTimestamp(call.answeredAt),
    endedAt: toNullableTimestamp(call.endedAt),
    durationSeconds: call.durationSeconds,
    termination: call.termination,
    nativeCause: call.nativeCause,
  };
}
