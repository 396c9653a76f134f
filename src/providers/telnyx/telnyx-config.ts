import { createPublicKey, type KeyObject } from 'node:crypto';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { configViolations } from '../config-violations.ts';

/**
 * What an account at Telnyx may say about itself.
 * - `apiUrl`: where the API is; default `https://api.telnyx.com/v2`.
 * - `outboundVoiceProfileId`: pays for and limits the calls to the callees; without one Telnyx dials nobody.
 * - `fallbackAnswerUrl`: asked by Telnyx when we do not answer; another instance, or a static neutral document.
 * - `requirementGroupId`: goes with every purchase; some countries sell to nobody without one.
 * - `messageCountries`: where relayed texts may go, ISO 3166-1 alpha-2; default `["*"]`, anywhere.
 */
export const TelnyxSettingsSchema = Type.Object(
  {
    apiUrl: Type.Optional(Type.String({ pattern: '^https?://[^\\s/?#@]+(/[^\\s?#]*)?$', maxLength: 500 })),
    outboundVoiceProfileId: Type.String({ pattern: '^[0-9]{1,40}$' }),
    fallbackAnswerUrl: Type.Optional(Type.String({ pattern: '^https://[^\\s#]+$', maxLength: 500 })),
    requirementGroupId: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' })),
    messageCountries: Type.Optional(
      Type.Array(Type.String({ pattern: '^([A-Z]{2}|\\*)$' }), { minItems: 1, maxItems: 250 }),
    ),
  },
  { additionalProperties: false },
);

const PublicKeyText = Type.String({ pattern: '^[A-Za-z0-9+/]{43}=$' });
/**
 * - `apiKey`: for the API.
 * - `publicKey`: verifies webhooks; Base64 of 32 bytes, on the portal's page "Keys & Credentials".
 * - `previousPublicKey`: accepted as well while a rotation is under way; remove it afterwards.
 */
export const TelnyxCredentialsSchema = Type.Object(
  {
    apiKey: Type.String({ minLength: 20, maxLength: 256, pattern: '^[\\x21-\\x7e]+$' }),
    publicKey: PublicKeyText,
    previousPublicKey: Type.Optional(PublicKeyText),
  },
  { additionalProperties: false },
);

export interface TelnyxConfig {
  readonly apiUrl: string;
  readonly outboundVoiceProfileId: string;
  readonly fallbackAnswerUrl: string | null;
  readonly requirementGroupId: string | null;
  readonly messageCountries: readonly string[];
  readonly apiKey: string;
  /** every key whose signatures count */
  readonly publicKeys: readonly KeyObject[];
}

const settingsValidator = Compile(TelnyxSettingsSchema);
const credentialsValidator = Compile(TelnyxCredentialsSchema);

/** @throws Error that names every violation, and no value */
export function readTelnyxConfig(account: { settings: unknown; credentials: unknown }): TelnyxConfig {
  const settings: unknown = account.settings ?? {};
  const { credentials } = account;
  if (!settingsValidator.Check(settings) || !credentialsValidator.Check(credentials)) {
    const violations = [
      ...configViolations('settings', settingsValidator.Errors(settings)),
      ...configViolations('credentials', credentialsValidator.Errors(credentials)),
    ];
    throw new Error(`The Telnyx account is not configured: ${violations.join('; ')}.`);
  }
  const { apiKey, publicKey, previousPublicKey } = credentials;
  return Object.freeze({
    apiUrl: (settings.apiUrl ?? 'https://api.telnyx.com/v2').replace(/\/+$/, ''),
    outboundVoiceProfileId: settings.outboundVoiceProfileId,
    fallbackAnswerUrl: settings.fallbackAnswerUrl ?? null,
    requirementGroupId: settings.requirementGroupId ?? null,
    messageCountries: settings.messageCountries ?? ['*'],
    apiKey,
    publicKeys: [publicKey, previousPublicKey].filter((each) => each !== undefined).map(toPublicKey),
  });
}

function toPublicKey(base64: string): KeyObject {
  const x = Buffer.from(base64, 'base64').toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}
