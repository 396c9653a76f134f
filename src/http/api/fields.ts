import { type Static, type TSchema, type TSchemaOptions, Type } from 'typebox';

/**
 * Text that people see: no control characters, because PostgreSQL cannot store NUL and logs must stay on one
 * line, and no half surrogates, because they have no UTF-8.
 */
export const PRINTABLE = '^[^\\p{Cc}\\p{Cs}]*$';

export function text(minLength: number, maxLength: number, options: TSchemaOptions = {}) {
  return Type.String({ minLength, maxLength, pattern: PRINTABLE, ...options });
}

/** One of a few words. */
export function oneOf<const W extends readonly string[]>(words: W, options: TSchemaOptions = {}) {
  return Type.Unsafe<W[number]>({ type: 'string', enum: words, ...options });
}

export function nullableText(options: TSchemaOptions = {}) {
  return Type.Unsafe<string | null>({ type: ['string', 'null'], ...options });
}

export function nullableInteger(options: TSchemaOptions = {}) {
  return Type.Unsafe<number | null>({ type: ['integer', 'null'], ...options });
}

export function nullableOneOf<const W extends readonly string[]>(words: W, options: TSchemaOptions = {}) {
  return Type.Unsafe<W[number] | null>({ type: ['string', 'null'], enum: [...words, null], ...options });
}

export function nullable<S extends TSchema>(schema: S) {
  return Type.Unsafe<Static<S> | null>({ anyOf: [schema, { type: 'null' }] });
}

/** An object that refuses every field it does not know. */
export const strict = { additionalProperties: false } as const;

/** A name that an operator gives: a pool, a provider account. */
export const PoolName = Type.String({
  pattern: '^[a-z0-9][a-z0-9_.-]{0,62}$',
  description: 'Name of a pool: 1 to 63 of `a-z 0-9 _ . -`.',
  examples: ['springfield'],
});

export const ProviderAccountName = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$',
  description: 'Name of a provider account.',
  examples: ['simulator'],
});

export const Reference = text(1, 128, {
  description: 'The order that the session is for, in your own words. Up to 128 characters.',
  examples: ['order-4711'],
});

export const Role = Type.String({
  pattern: '^[a-z][a-z0-9_]{0,31}$',
  description: 'What this person is in the session.',
  examples: ['customer'],
});

export const UserId = text(1, 128, {
  description: 'Your id of this person. Up to 128 characters.',
  examples: ['user-17'],
});

/** Looser than a number: what is no number is told apart later, as MASK_INVALID_NUMBER. */
export const RealNumber = Type.String({
  minLength: 1,
  maxLength: 32,
  description: "The person's own number, E.164 with `+`. It is sealed, and never shown again.",
  examples: ['+12025550123'],
});

export const MaskedNumber = Type.String({
  description: "The person's own number, masked: country code and the last four digits.",
  examples: ['+1••••••0123'],
});

export const VirtualNumberText = Type.String({
  description: 'A virtual number, E.164 with `+`.',
  examples: ['+12025550188'],
});

export const NullableVirtualNumber = nullableText({
  description: 'A virtual number, E.164 with `+`.',
  examples: ['+12025550188'],
});

export const Timestamp = Type.String({
  format: 'date-time',
  description: 'RFC 3339, UTC.',
  examples: ['2026-03-01T12:00:00.000Z'],
});

export const NullableTimestamp = nullableText({
  format: 'date-time',
  description: 'RFC 3339, UTC; null when it has not happened.',
  examples: ['2026-03-01T12:00:00.000Z'],
});

/** Of a person's number. */
export const VerifiedAt = Type.String({
  format: 'date-time',
  pattern:
    '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$',
  description:
    "When you last knew that the number is this person's, by a code that you sent, say. Numbers change hands: see `verificationMaxAgeSeconds` of the pool.",
  examples: ['2026-03-01T12:00:00.000Z'],
});

/** An id in a path. What cannot be an id is simply not there. */
export const IdParams = Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9_]{1,64}$' }) });
