import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

const e164 = Type.String({ pattern: '^\\+[1-9][0-9]{6,14}$' });
const strict = { additionalProperties: false };

const CallAnswer = Type.Union([
  Type.Object(
    {
      action: Type.Literal('connect'),
      to: e164,
      callerId: e164,
      ringTimeoutSeconds: Type.Integer({ minimum: 1, maximum: 300 }),
      maxCallSeconds: Type.Integer({ minimum: 1, maximum: 86_400 }),
    },
    strict,
  ),
  Type.Object(
    { action: Type.Literal('announce'), text: Type.String({ minLength: 1, maxLength: 1_000 }) },
    strict,
  ),
  Type.Object(
    {
      action: Type.Literal('gather'),
      digits: Type.Integer({ minimum: 1, maximum: 20 }),
      text: Type.String({ minLength: 1, maxLength: 1_000 }),
    },
    strict,
  ),
  Type.Object({ action: Type.Literal('reject') }, strict),
]);
/** What the account wants done with a call. */
export type CallAnswer = Static<typeof CallAnswer>;

const MessageAnswer = Type.Union([
  Type.Object(
    {
      action: Type.Literal('deliver'),
      to: e164,
      from: e164,
      body: Type.String({ minLength: 1, maxLength: 1_600 }),
    },
    strict,
  ),
  Type.Object({ action: Type.Literal('drop') }, strict),
]);
/** What the account wants done with a message. */
export type MessageAnswer = Static<typeof MessageAnswer>;

/** Each reads the text of an answer, and returns null for anything that is not one. */
export const readCallAnswer = reader(CallAnswer);
export const readMessageAnswer = reader(MessageAnswer);

function reader<S extends TSchema>(schema: S): (text: string) => Static<S> | null {
  const validator = Compile(schema);
  return (text) => {
    try {
      const value: unknown = JSON.parse(text);
      return validator.Check(value) ? (value as Static<S>) : null;
    } catch {
      return null;
    }
  };
}
