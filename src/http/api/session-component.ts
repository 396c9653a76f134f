import { Type } from 'typebox';
import { ClosedReason } from '../../domain/session.ts';
import {
  MaskedNumber,
  NullableTimestamp,
  NullableVirtualNumber,
  nullableOneOf,
  nullableText,
  oneOf,
  PoolName,
  Reference,
  Role,
  Timestamp,
} from './fields.ts';

export const SESSION_MODES = ['voice', 'message', 'voice_and_message'] as const;

export const SessionComponent = {
  name: 'Session',
  schema: Type.Object({
    id: Type.String({ examples: ['ses_01kd3v8m2x5h9q7r4t6w8y0z2b'] }),
    reference: Reference,
    assignment: Type.Integer({ description: 'Grows with every change of driver; the highest wins.' }),
    state: oneOf(['pending', 'open', 'closed'], {
      description: '`pending` waits for a virtual number, `open` connects, `closed` does not.',
    }),
    // Written out by the use case, which says `string`.
    mode: Type.Unsafe<string>(oneOf(SESSION_MODES)),
    pool: PoolName,
    participants: Type.Array(
      Type.Object({
        id: Type.String({ examples: ['par_01kd3v8m2x5h9q7r4t6w8y0z2c'] }),
        role: Role,
        userId: nullableText({ examples: ['user-17'] }),
        realNumber: nullableText({ ...MaskedNumber, type: ['string', 'null'] }),
        virtualNumber: nullableText({
          ...NullableVirtualNumber,
          description:
            'The number that stands for this person: the others dial it and see it. Null while the session is pending.',
        }),
      }),
    ),
    createdAt: Timestamp,
    openedAt: NullableTimestamp,
    expiresAt: Timestamp,
    closedAt: NullableTimestamp,
    closedReason: nullableOneOf(Object.values(ClosedReason)),
  }),
};
