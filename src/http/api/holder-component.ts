import { type Static, Type } from 'typebox';
import type { HolderView } from '../../app/holders.ts';
import { nullableText, NullableTimestamp, oneOf, text, Timestamp } from './fields.ts';
import { toNullableTimestamp, toTimestamp } from './timestamp.ts';

/** In the words of whoever asks: a case number, say. It stands in the audit. */
export const AskedReason = text(10, 300, {
  description: 'Why you ask, 10 to 300 characters. It is kept in the audit; leave numbers out of it.',
  examples: ['Court order 4711/26 of 1 March 2026'],
});

export const HolderComponent = {
  name: 'Holder',
  schema: Type.Object({
    participantId: Type.String({ examples: ['par_01kd3v8m2x5h9q7r4t6w8y0z2b'] }),
    sessionId: Type.String(),
    reference: Type.String({ description: 'The order.' }),
    role: Type.String({ examples: ['driver'] }),
    userId: nullableText({ description: 'Your id of this person; null once erased.' }),
    realNumber: nullableText({
      description: "The person's own number as it is now, masked; null once erased.",
      examples: ['+1••••••0123'],
    }),
    from: Timestamp,
    until: NullableTimestamp,
    standing: oneOf(['allocated', 'grace'], {
      description: '`grace`: the session was completed, and calls still passed for the grace of its pool.',
    }),
  }),
};

/** Not a page of a list: whoever stood behind one number at one moment are few. */
export const HoldersComponent = {
  name: 'Holders',
  schema: Type.Object({
    data: Type.Array(Type.Unsafe<Static<typeof HolderComponent.schema>>({ $ref: 'Holder#' })),
  }),
};

export const RevealComponent = {
  name: 'Reveal',
  schema: Type.Object({
    participantId: Type.String(),
    realNumber: Type.String({ description: "The person's own number, E.164.", examples: ['+12025550123'] }),
  }),
};

export function toHolderAnswer(holder: HolderView): Static<typeof HolderComponent.schema> {
  const { participantId, sessionId, reference, role, userId, realNumber, standing } = holder;
  const times = { from: toTimestamp(holder.from), until: toNullableTimestamp(holder.until) };
  return { participantId, sessionId, reference, role, userId, realNumber, ...times, standing };
}
