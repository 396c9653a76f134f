import { type Static, Type } from '@fastify/type-provider-typebox';

/** Unknown fields are refused everywhere: a misspelt option that does nothing costs an afternoon. */
export const STRICT = { additionalProperties: false } as const;

export const E164 = Type.String({ pattern: '^\\+[1-9][0-9]{6,14}$' });
export const Probability = Type.Number({ minimum: 0, maximum: 1 });

/** `+1…` and `%2B1…` both arrive as `+1…`. */
export const PhonePath = Type.Object({ e164: E164 }, STRICT);
export type PhonePath = Static<typeof PhonePath>;

export const CallPath = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) }, STRICT);

export const WebhookUrl = Type.String({ pattern: '^https?://[^\\s#@]+$', maxLength: 2_000 });
