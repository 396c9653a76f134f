import { type Static, Type } from 'typebox';
import type { MessageRecord } from '../../storage/storage.ts';
import { DialledNumber, Reason } from './call-component.ts';
import { NullableVirtualNumber, nullableText, oneOf, Timestamp } from './fields.ts';
import { toTimestamp } from './timestamp.ts';

export const MessageComponent = {
  name: 'Message',
  schema: Type.Object({
    id: Type.String({ examples: ['msg_01kd3v8m2x5h9q7r4t6w8y0z2b'] }),
    sessionId: nullableText(),
    providerMessageId: Type.String({ description: "The provider's id of the message." }),
    sendingRole: nullableText(),
    receivingRole: nullableText(),
    virtualNumber: DialledNumber,
    senderId: nullableText({ ...NullableVirtualNumber, description: 'What the receiver sees.' }),
    decision: oneOf(['relay', 'drop']),
    reason: Reason,
    createdAt: Timestamp,
  }),
};

export function toMessageAnswer(message: MessageRecord): Static<typeof MessageComponent.schema> {
  return {
    id: message.id,
    sessionId: message.sessionId,
    providerMessageId: message.providerMessageId,
    sendingRole: message.sendingRole,
    receivingRole: message.receivingRole,
    virtualNumber: message.virtualNumber,
    senderId: message.senderId,
    decision: message.decision,
    reason: message.reason,
    createdAt: toTimestamp(message.createdAt),
  };
}
