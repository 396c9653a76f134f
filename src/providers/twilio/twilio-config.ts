import { createSecretKey, type KeyObject } from 'node:crypto';
import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { type ConfigFailure, configViolations } from '../config-violations.ts';
import { TWILIO, type TwilioDialect } from './twilio-dialect.ts';

/**
 * - `accountSid`: the account, or sub-account, that holds the numbers. Twilio signs with the token of that one.
 * - `authToken`: the key of the webhook signatures, and the REST password unless there is an API key.
 * - `previousAuthToken`: accepted in signatures as well while the token is rotated; remove it afterwards.
 * - `apiKeySid`, `apiKeySecret`: used for REST instead of the token.
 */
export const TwilioCredentialsSchema = Type.Object(
  {
    accountSid: Type.String({ pattern: '^AC[0-9a-fA-F]{32}$' }),
    authToken: Type.String({ minLength: 32, maxLength: 128 }),
    previousAuthToken: Type.Optional(Type.String({ minLength: 32, maxLength: 128 })),
    apiKeySid: Type.Optional(Type.String({ pattern: '^SK[0-9a-fA-F]{32}$' })),
    apiKeySecret: Type.Optional(Type.String({ minLength: 16, maxLength: 128 })),
  },
  { additionalProperties: false },
);

const Url = Type.String({ pattern: '^https?://[^\\s/?#@]+(/[^\\s?#]*)?$', maxLength: 500 });

/**
 * - `baseUrl`: default `https://api.twilio.com`; a region's is `https://api.dublin.ie1.twilio.com`.
 * - `numberType`: what is searched for, default `Local`.
 * - `bundleSid`, `addressSid`, `identitySid`: the regulatory documents that some countries ask for when buying.
 * - `voiceFallbackUrl`: asked when our answer URL fails; it should be another instance or a static document.
 */
export const TwilioSettingsSchema = Type.Object(
  {
    baseUrl: Type.Optional(Url),
    numberType: Type.Optional(
      Type.Union([Type.Literal('Local'), Type.Literal('Mobile'), Type.Literal('TollFree')]),
    ),
    bundleSid: Type.Optional(Type.String({ pattern: '^BU[0-9a-fA-F]{32}$' })),
    addressSid: Type.Optional(Type.String({ pattern: '^AD[0-9a-fA-F]{32}$' })),
    identitySid: Type.Optional(Type.String({ pattern: '^RI[0-9a-fA-F]{32}$' })),
    voiceFallbackUrl: Type.Optional(Url),
  },
  { additionalProperties: false },
);

const DEFAULT_BASE_URL = 'https://api.twilio.com';

/** An account in the words that the adapter needs, whichever dialect it is of. */
export interface TwilioAccount {
  readonly dialect: TwilioDialect;
  readonly accountSid: string;
  /** URL of the account's REST resources, without a slash at the end */
  readonly apiRoot: string;
  /** the `Authorization` header of REST requests */
  readonly authorization: string;
  /** the keys that a webhook may be signed with: the current one, and the one before it during a rotation */
  readonly signingKeys: readonly KeyObject[];
  readonly numberType: string;
  /** what a purchase names besides the number and its webhooks */
  readonly purchaseFields: Readonly<Record<string, string>>;
  readonly voiceFallbackUrl: string | null;
}

/** @throws Error that names every violation, and no value */
export function readTwilioAccount(account: { settings: unknown; credentials: unknown }): TwilioAccount {
  const [credentials, settings] = readConfig('Twilio', account, readCredentials, readSettings);
  const { accountSid, authToken, previousAuthToken, apiKeySid, apiKeySecret } = credentials;
  if ((apiKeySid === undefined) !== (apiKeySecret === undefined)) {
    throw new Error('The Twilio account is not configured: set both apiKeySid and apiKeySecret, or neither.');
  }
  const { bundleSid, addressSid, identitySid, voiceFallbackUrl } = settings;
  const [user, password] =
    apiKeySid !== undefined && apiKeySecret !== undefined
      ? [apiKeySid, apiKeySecret]
      : [accountSid, authToken];
  return {
    dialect: TWILIO,
    accountSid,
    apiRoot: `${withoutSlash(settings.baseUrl ?? DEFAULT_BASE_URL)}/2010-04-01/Accounts/${accountSid}`,
    authorization: basicAuthorization(user, password),
    signingKeys: signingKeys(authToken, previousAuthToken),
    numberType: settings.numberType ?? 'Local',
    purchaseFields: {
      ...(bundleSid !== undefined && { BundleSid: bundleSid }),
      ...(addressSid !== undefined && { AddressSid: addressSid }),
      ...(identitySid !== undefined && { IdentitySid: identitySid }),
    },
    voiceFallbackUrl: voiceFallbackUrl ?? null,
  };
}

/** Both count while one replaces the other. As objects of Node's they need not be read again for each signature. */
export function signingKeys(secret: string, previous: string | undefined): readonly KeyObject[] {
  return [secret, previous].flatMap((each) => (each === undefined ? [] : [createSecretKey(each, 'utf8')]));
}

const readCredentials = checker(TwilioCredentialsSchema);
const readSettings = checker(TwilioSettingsSchema);

/** Checks both halves of an account and reports on both at once. */
export function readConfig<C, S>(
  name: string,
  account: { settings: unknown; credentials: unknown },
  checkCredentials: Check<C>,
  checkSettings: Check<S>,
): [C, S] {
  const credentials = checkCredentials(account.credentials);
  const settings = checkSettings(account.settings ?? {});
  if (credentials.ok && settings.ok) return [credentials.value, settings.value];
  const violations = [
    ...(credentials.ok ? [] : configViolations('credentials', credentials.failures)),
    ...(settings.ok ? [] : configViolations('settings', settings.failures)),
  ];
  throw new Error(`The ${name} account is not configured: ${violations.join('; ')}.`);
}

type Check<T> = (
  value: unknown,
) =>
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failures: readonly ConfigFailure[] };

export function checker<S extends TSchema>(schema: S): Check<Static<S>> {
  const validator = Compile(schema);
  return (value) =>
    validator.Check(value)
      ? { ok: true, value: value as Static<S> }
      : {
          ok: false,
          failures: validator.Errors(value),
        };
}

export function basicAuthorization(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;
}

export function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
