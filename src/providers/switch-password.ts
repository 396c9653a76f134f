import Type, { type Static, type TProperties, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { configViolations } from './config-violations.ts';

/**
 * What every switch proves itself with: a password at our webhooks.
 * - `password`: HTTP Basic; the user name is the name of the provider.
 * - `previousPassword`: accepted as well while a rotation is under way; remove it afterwards.
 */
export const SWITCH_PASSWORD = {
  password: Type.String({ minLength: 16, maxLength: 256 }),
  previousPassword: Type.Optional(Type.String({ minLength: 16, maxLength: 256 })),
} satisfies TProperties;

/** A reader of an account's configuration. It throws an Error that names every violation, and no value. */
export function configReader<S extends TSchema>(
  schema: S,
  what: string,
): (value: unknown) => Readonly<Static<S>> {
  const validator = Compile(schema);
  return (value) => {
    if (validator.Check(value)) return Object.freeze(value as Static<S> & object);
    const violations = configViolations('credentials', validator.Errors(value));
    throw new Error(`The ${what} account is not configured: ${violations.join('; ')}.`);
  };
}
