import { Type } from 'typebox';

export const UserId = Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9][A-Za-z0-9_.:-]*$' });
export const OrderId = Type.String({ minLength: 1, maxLength: 64 });
export const CallId = Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9_.:-]+$' });
/** Dialled or typed on a keypad: strict E.164. */
export const E164 = Type.String({ pattern: '^\\+[1-9][0-9]{6,14}$' });
export const Strict = { additionalProperties: false } as const;
