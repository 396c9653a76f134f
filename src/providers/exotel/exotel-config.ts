import { BlockList, isIP } from 'node:net';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { configViolations } from '../config-violations.ts';

/**
 * - `accountSid`, `apiKey`, `apiToken`: from the API settings of the dashboard; for REST.
 * - `webhookUser`, `webhookPassword`: what the URLs in the flow carry as `https://user:password@host/...`.
 * - `previousWebhookPassword`: accepted as well while the flows are changed over; remove it afterwards.
 */
export const ExotelCredentialsSchema = Type.Object(
  {
    accountSid: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
    apiKey: Type.String({ minLength: 8, maxLength: 128 }),
    apiToken: Type.String({ minLength: 8, maxLength: 128 }),
    webhookUser: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$' })),
    webhookPassword: Type.Optional(Type.String({ minLength: 16, maxLength: 128 })),
    previousWebhookPassword: Type.Optional(Type.String({ minLength: 16, maxLength: 128 })),
  },
  { additionalProperties: false },
);

const FlowUrl = Type.String({ pattern: '^https?://[^\\s/?#@]+/[^\\s?#]+$', maxLength: 500 });

/**
 * - `voiceFlowUrl`: the flow with our Connect applet, `http://my.exotel.com/{sid}/exoml/start_voice/{app_id}`.
 *   Exotel's numbers point at flows of Exotel's, never at us.
 * - `smsFlowUrl`: the same for texts; without it a number takes none.
 * - `sourceAddresses`: the addresses or CIDR blocks that Exotel's requests come from.
 * - `baseUrl`: default `https://api.exotel.com` (Singapore); `https://api.in.exotel.com` is Mumbai.
 * - `numberType`: what is searched for, default `Landline`.
 * - `country`: how numbers without `+` are read, ISO 3166-1 alpha-2, default `IN`.
 * - `utcOffsetMinutes`: of the times in webhooks, which name no zone; default 330, India.
 * - `dltEntityId`, `dltTemplateId`, `smsType`: what India asks for with every text.
 */
export const ExotelSettingsSchema = Type.Object(
  {
    voiceFlowUrl: FlowUrl,
    smsFlowUrl: Type.Optional(FlowUrl),
    sourceAddresses: Type.Optional(
      Type.Array(Type.String({ maxLength: 50 }), { minItems: 1, maxItems: 100 }),
    ),
    baseUrl: Type.Optional(Type.String({ pattern: '^https?://[^\\s/?#@]+(/[^\\s?#]*)?$', maxLength: 500 })),
    numberType: Type.Optional(
      Type.Union([Type.Literal('Landline'), Type.Literal('Mobile'), Type.Literal('TollFree')]),
    ),
    country: Type.Optional(Type.String({ pattern: '^[A-Z]{2}$' })),
    utcOffsetMinutes: Type.Optional(Type.Integer({ minimum: -720, maximum: 840 })),
    dltEntityId: Type.Optional(Type.String({ pattern: '^[0-9]{1,30}$' })),
    dltTemplateId: Type.Optional(Type.String({ pattern: '^[0-9]{1,30}$' })),
    smsType: Type.Optional(
      Type.Union([
        Type.Literal('transactional'),
        Type.Literal('transactional_opt_in'),
        Type.Literal('promotional'),
      ]),
    ),
  },
  { additionalProperties: false },
);

export interface ExotelAccount {
  readonly accountSid: string;
  readonly baseUrl: string;
  /** the `Authorization` header of REST requests */
  readonly authorization: string;
  readonly webhookUser: string | null;
  readonly webhookPasswords: readonly string[];
  /** null when any address will do */
  readonly sources: BlockList | null;
  readonly voiceFlowUrl: string;
  readonly smsFlowUrl: string | null;
  readonly numberType: string;
  readonly country: string;
  readonly utcOffsetMinutes: number;
  /** what every text carries besides its words */
  readonly textFields: Readonly<Record<string, string>>;
}

const credentialsValidator = Compile(ExotelCredentialsSchema);
const settingsValidator = Compile(ExotelSettingsSchema);

/** @throws Error that names every violation, and no value */
export function readExotelAccount(account: { settings: unknown; credentials: unknown }): ExotelAccount {
  const { settings, credentials } = account;
  if (!credentialsValidator.Check(credentials) || !settingsValidator.Check(settings)) {
    const violations = [
      ...configViolations('credentials', credentialsValidator.Errors(credentials)),
      ...configViolations('settings', settingsValidator.Errors(settings)),
    ];
    throw new Error(`The Exotel account is not configured: ${violations.join('; ')}.`);
  }
  const { webhookUser, webhookPassword, previousWebhookPassword } = credentials;
  requireProof(credentials, settings);
  const { dltEntityId, dltTemplateId, smsType } = settings;
  const apiUser = `${credentials.apiKey}:${credentials.apiToken}`;
  return {
    accountSid: credentials.accountSid,
    baseUrl: (settings.baseUrl ?? 'https://api.exotel.com').replace(/\/+$/, ''),
    authorization: `Basic ${Buffer.from(apiUser, 'utf8').toString('base64')}`,
    webhookUser: webhookUser ?? null,
    webhookPasswords: [webhookPassword, previousWebhookPassword].filter((each) => each !== undefined),
    sources: settings.sourceAddresses ? toBlockList(settings.sourceAddresses) : null,
    voiceFlowUrl: settings.voiceFlowUrl,
    smsFlowUrl: settings.smsFlowUrl ?? null,
    numberType: settings.numberType ?? 'Landline',
    country: settings.country ?? 'IN',
    utcOffsetMinutes: settings.utcOffsetMinutes ?? 330,
    textFields: {
      ...(dltEntityId !== undefined && { DltEntityId: dltEntityId }),
      ...(dltTemplateId !== undefined && { DltTemplateId: dltTemplateId }),
      ...(smsType !== undefined && { SmsType: smsType }),
    },
  };
}

/** Exotel signs nothing, and one factor of authenticity, the secret path, is too few. */
function requireProof(
  { webhookUser, webhookPassword }: Static<typeof ExotelCredentialsSchema>,
  { sourceAddresses }: Static<typeof ExotelSettingsSchema>,
): void {
  if ((webhookUser === undefined) !== (webhookPassword === undefined)) {
    throw new Error(
      'The Exotel account is not configured: set both webhookUser and webhookPassword, or neither.',
    );
  }
  if (webhookUser === undefined && sourceAddresses === undefined) {
    throw new Error(
      'The Exotel account is not safe: Exotel signs no webhooks, so besides the secret path set the credentials ' +
        'webhookUser and webhookPassword, or the setting sourceAddresses, or both.',
    );
  }
}

/** A block as large as this, or larger, is as good as no list. */
const PREFIX_MINIMUM = { ipv4: 8, ipv6: 16 } as const;

function toBlockList(blocks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const block of blocks) {
    const [address = '', prefix, ...more] = block.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    const longest = family === 'ipv6' ? 128 : 32;
    const length = prefix === undefined ? longest : /^[0-9]{1,3}$/.test(prefix) ? Number(prefix) : -1;
    if (isIP(address) === 0 || more.length > 0 || length < PREFIX_MINIMUM[family] || length > longest) {
      throw new Error(
        'The Exotel account is not configured: settings/sourceAddresses must be addresses or CIDR blocks, such as ' +
          `203.0.113.0/24, of at least /${PREFIX_MINIMUM.ipv4} (IPv4) or /${PREFIX_MINIMUM.ipv6} (IPv6).`,
      );
    }
    list.addSubnet(address, length, family);
  }
  return list;
}
