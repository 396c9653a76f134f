import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { configViolations } from '../config-violations.ts';

/**
 * What an account at Plivo may say about itself.
 * - `apiUrl`: where the API is; default `https://api.plivo.com/v1`.
 * - `complianceApplicationId`: goes with every purchase; some countries sell to nobody without one.
 * - `fallbackAnswerUrl`: asked by Plivo when we do not answer; another instance, or a static neutral document.
 */
export const PlivoSettingsSchema = Type.Object(
  {
    apiUrl: Type.Optional(Type.String({ pattern: '^https?://[^\\s/?#@]+(/[^\\s?#]*)?$', maxLength: 500 })),
    complianceApplicationId: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' })),
    fallbackAnswerUrl: Type.Optional(Type.String({ pattern: '^https://[^\\s#]+$', maxLength: 500 })),
  },
  { additionalProperties: false },
);

/**
 * - `authId`, `authToken`: of the account or sub-account that holds the numbers. The token also signs webhooks.
 * - `mainAuthToken`: of the main account, if `authId` is a sub-account: Plivo signs for both.
 * - `previousAuthToken`: accepted as well while a rotation is under way; remove it afterwards.
 */
export const PlivoCredentialsSchema = Type.Object(
  {
    authId: Type.String({ pattern: '^(MA|SA)[A-Z0-9]{18}$' }),
    authToken: Type.String({ minLength: 32, maxLength: 128 }),
    mainAuthToken: Type.Optional(Type.String({ minLength: 32, maxLength: 128 })),
    previousAuthToken: Type.Optional(Type.String({ minLength: 32, maxLength: 128 })),
  },
  { additionalProperties: false },
);

export interface PlivoConfig {
  readonly apiUrl: string;
  readonly complianceApplicationId: string | null;
  readonly fallbackAnswerUrl: string | null;
  readonly authId: string;
  readonly authToken: string;
  /** every token that may have signed a webhook */
  readonly signingTokens: readonly string[];
}

const settingsValidator = Compile(PlivoSettingsSchema);
const credentialsValidator = Compile(PlivoCredentialsSchema);

/** @throws Error that names every violation, and no value */
export function readPlivoConfig(account: { settings: unknown; credentials: unknown }): PlivoConfig {
  const settings: unknown = account.settings ?? {};
  const { credentials } = account;
  const violations = [
    ...configViolations('settings', settingsValidator.Errors(settings)),
    ...configViolations('credentials', credentialsValidator.Errors(credentials)),
  ];
  if (!settingsValidator.Check(settings) || !credentialsValidator.Check(credentials)) {
    throw new Error(`The Plivo account is not configured: ${violations.join('; ')}.`);
  }
  const { authId, authToken, mainAuthToken, previousAuthToken }: Static<typeof PlivoCredentialsSchema> =
    credentials;
  return Object.freeze({
    apiUrl: (settings.apiUrl ?? 'https://api.plivo.com/v1').replace(/\/+$/, ''),
    complianceApplicationId: settings.complianceApplicationId ?? null,
    fallbackAnswerUrl: settings.fallbackAnswerUrl ?? null,
    authId,
    authToken,
    signingTokens: [authToken, mainAuthToken, previousAuthToken].filter((each) => each !== undefined),
  });
}
