import Type from 'typebox';
import {
  basicAuthorization,
  checker,
  readConfig,
  type TwilioAccount,
  withoutSlash,
  signingKeys,
} from '../twilio/twilio-config.ts';
import { SIGNALWIRE } from '../twilio/twilio-dialect.ts';

const Uuid = Type.String({ pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' });
const Url = Type.String({ pattern: '^https?://[^\\s/?#@]+(/[^\\s?#]*)?$', maxLength: 500 });

/**
 * - `projectId`: the project that holds the numbers.
 * - `apiToken`: the REST password, with the scopes for numbers, voice and messaging.
 * - `signingKey`: the key of the webhook signatures, another than the token.
 * - `previousSigningKey`: accepted as well while the key is rotated; remove it afterwards.
 */
export const SignalWireCredentialsSchema = Type.Object(
  {
    projectId: Uuid,
    apiToken: Type.String({ minLength: 16, maxLength: 256 }),
    signingKey: Type.String({ minLength: 16, maxLength: 256 }),
    previousSigningKey: Type.Optional(Type.String({ minLength: 16, maxLength: 256 })),
  },
  { additionalProperties: false },
);

/**
 * - `baseUrl`: the space, such as `https://example.signalwire.com`.
 * - `numberType`: what is searched for, default `Local`.
 * - `voiceFallbackUrl`: asked when our answer URL fails.
 */
export const SignalWireSettingsSchema = Type.Object(
  {
    baseUrl: Url,
    numberType: Type.Optional(Type.Union([Type.Literal('Local'), Type.Literal('TollFree')])),
    voiceFallbackUrl: Type.Optional(Url),
  },
  { additionalProperties: false },
);

const readCredentials = checker(SignalWireCredentialsSchema);
const readSettings = checker(SignalWireSettingsSchema);

/** @throws Error that names every violation, and no value */
export function readSignalWireAccount(account: { settings: unknown; credentials: unknown }): TwilioAccount {
  const [credentials, settings] = readConfig('SignalWire', account, readCredentials, readSettings);
  const { projectId, apiToken, signingKey, previousSigningKey } = credentials;
  return {
    dialect: SIGNALWIRE,
    accountSid: projectId,
    apiRoot: `${withoutSlash(settings.baseUrl)}/api/laml/2010-04-01/Accounts/${projectId}`,
    authorization: basicAuthorization(projectId, apiToken),
    signingKeys: signingKeys(signingKey, previousSigningKey),
    numberType: settings.numberType ?? 'Local',
    purchaseFields: {},
    voiceFallbackUrl: settings.voiceFallbackUrl ?? null,
  };
}
