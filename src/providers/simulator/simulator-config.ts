import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { configViolations } from '../config-violations.ts';

/**
 * What an account at the simulator needs.
 * - `baseUrl` (setting): where the operator is, such as `http://127.0.0.1:8081`.
 * - `sharedSecret` (credential): the key of the webhook signatures.
 * - `previousSharedSecret` (credential): accepted as well while a rotation is under way; remove it afterwards.
 */
export const SimulatorConfigSchema = Type.Object(
  {
    baseUrl: Type.String({ pattern: '^https?://[^\\s/?#@]+(/[^\\s?#]*)?$', maxLength: 500 }),
    sharedSecret: Type.String({ minLength: 32, maxLength: 256 }),
    previousSharedSecret: Type.Optional(Type.String({ minLength: 32, maxLength: 256 })),
  },
  { additionalProperties: false },
);
export type SimulatorConfig = Readonly<Static<typeof SimulatorConfigSchema>>;

const validator = Compile(SimulatorConfigSchema);

/** @throws Error that names every violation, and no value */
export function readSimulatorConfig(value: unknown): SimulatorConfig {
  if (validator.Check(value)) return Object.freeze({ ...value, baseUrl: value.baseUrl.replace(/\/+$/, '') });
  const violations = configViolations('credentials', validator.Errors(value));
  throw new Error(`The simulator account is not configured: ${violations.join('; ')}.`);
}
