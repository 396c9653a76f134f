import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { configViolations } from '../config-violations.ts';

const UrlText = Type.String({ pattern: '^https?://[^\\s/?#@]+(/[^\\s?#]*)?$', maxLength: 500 });

/**
 * What an account at Vonage may say about itself.
 * - `apiUrl`, `restUrl`: where the two APIs are; default `https://api.nexmo.com` and `https://rest.nexmo.com`.
 * - `fallbackAnswerUrl`: asked by Vonage when we do not answer; another instance, or a static neutral document.
 */
export const VonageSettingsSchema = Type.Object(
  {
    apiUrl: Type.Optional(UrlText),
    restUrl: Type.Optional(UrlText),
    fallbackAnswerUrl: Type.Optional(Type.String({ pattern: '^https://[^\\s#]+$', maxLength: 500 })),
  },
  { additionalProperties: false },
);

/**
 * - `apiKey`, `apiSecret`: for the APIs.
 * - `signatureSecret`: signs webhooks; on the API settings page, and not the same as `apiSecret`.
 * - `previousSignatureSecret`: accepted as well while a rotation is under way; remove it afterwards.
 */
export const VonageCredentialsSchema = Type.Object(
  {
    apiKey: Type.String({ pattern: '^[A-Za-z0-9]{6,20}$' }),
    apiSecret: Type.String({ minLength: 8, maxLength: 128 }),
    signatureSecret: Type.String({ minLength: 32, maxLength: 128 }),
    previousSignatureSecret: Type.Optional(Type.String({ minLength: 32, maxLength: 128 })),
  },
  { additionalProperties: false },
);

export interface VonageConfig {
  readonly apiUrl: string;
  readonly restUrl: string;
  readonly fallbackAnswerUrl: string | null;
  readonly apiKey: string;
  readonly apiSecret: string;
  /** every secret that may have signed a webhook */
  readonly signatureSecrets: readonly string[];
}

const settingsValidator = Compile(VonageSettingsSchema);
const credentialsValidator = Compile(VonageCredentialsSchema);

/** @throws Error that names every violation, and no value */
export function readVonageConfig(account: { settings: unknown; credentials: unknown }): VonageConfig {
  const settings: unknown = account.settings ?? {};
  const { credentials } = account;
  if (!settingsValidator.Check(settings) || !credentialsValidator.Check(credentials)) {
    const violations = [
      ...configViolations('settings', settingsValidator.Errors(settings)),
      ...configViolations('credentials', credentialsValidator.Errors(credentials)),
    ];
    throw new Error(`The Vonage account is not configured: ${violations.join('; ')}.`);
  }
  const { apiKey, apiSecret, signatureSecret, previousSignatureSecret } = credentials;
  return Object.freeze({
    apiUrl: withoutSlash(settings.apiUrl ?? 'https://api.nexmo.com'),
    restUrl: withoutSlash(settings.restUrl ?? 'https://rest.nexmo.com'),
    fallbackAnswerUrl: settings.fallbackAnswerUrl ?? null,
    apiKey,
    apiSecret,
    signatureSecrets: [signatureSecret, previousSignatureSecret].filter((each) => each !== undefined),
  });
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
