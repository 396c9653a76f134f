import { type Static, Type } from 'typebox';
import type { PersonBlock, SessionBlock } from '../../storage/block-storage.ts';
import type { DeepReadonly } from '../operation.ts';
import { MaskedNumber, nullableText, Timestamp } from './fields.ts';

export const BlockComponent = {
  name: 'Block',
  schema: Type.Object({
    id: Type.String({ examples: ['blk_01kd3v8m2x5h9q7r4t6w8y0z2d'] }),
    realNumber: nullableText({ ...MaskedNumber, type: ['string', 'null'] }),
    userId: nullableText({ examples: ['user-17'] }),
    reason: Type.String(),
    createdAt: Timestamp,
  }),
};

export const SessionBlockComponent = {
  name: 'SessionBlock',
  schema: Type.Object({
    id: Type.String({ examples: ['sbl_01kd3v8m2x5h9q7r4t6w8y0z2e'] }),
    sessionId: Type.String(),
    participantId: Type.String({ description: 'Who is left alone.' }),
    blockedParticipantId: Type.String({ description: 'Who does not reach them any more.' }),
    createdAt: Timestamp,
  }),
};

export function toBlockAnswer(block: PersonBlock): DeepReadonly<Static<typeof BlockComponent.schema>> {
  const { id, maskedNumber, userId, reason, createdAt } = block;
  return { id, realNumber: maskedNumber, userId, reason, createdAt: new Date(createdAt).toISOString() };
}

export function toSessionBlockAnswer(
  block: SessionBlock,
): DeepReadonly<Static<typeof SessionBlockComponent.schema>> {
  return {
    id: block.id,
    sessionId: block.sessionId,
    participantId: block.blockingParticipantId,
    blockedParticipantId: block.blockedParticipantId,
    createdAt: new Date(block.createdAt).toISOString(),
  };
}
