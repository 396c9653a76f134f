import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { Instant } from '../../lib/clock.ts';
import { decodeUtf8 } from '../form-fields.ts';
import type { WebhookRequest } from '../provider.ts';
import type { VonageConfig } from './vonage-config.ts';

/** How far the clocks may differ, either way: a captured request is worth nothing after that. */
const TOLERANCE_SECONDS = 300;
const TOKEN_LENGTH_MAXIMUM = 4_096;

const isHeader = Compile(
  Type.Object({ alg: Type.Literal('HS256'), typ: Type.Optional(Type.Literal('JWT')) }),
);
const isClaims = Compile(
  Type.Object({
    iss: Type.Literal('Vonage'),
    iat: Type.Integer({ minimum: 0 }),
    exp: Type.Optional(Type.Integer()),
    payload_hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    api_key: Type.String(),
  }),
);

/**
 * Whether Vonage signed this: a JWT (RFC 7519) with HS256 and nothing else, recent, of this account, over this very
 * body. The vendor's SDK takes RS256 as well and looks at neither body, age nor issuer, so it is not used.
 * The token does not cover method and URL; ours are only ever POST without a query, and so nothing else counts.
 */
export function isVonageWebhook(request: WebhookRequest, config: VonageConfig, now: Instant): boolean {
  if (request.method !== 'POST' || !/^https?:\/\/[^/?#]+\/[^?#]*$/.test(request.url)) return false;
  const token = /^Bearer ([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})$/.exec(bearer(request));
  const [, header = '', claims = '', signature = ''] = token ?? [];
  if (token === null || !isSigned(`${header}.${claims}`, signature, config.signatureSecrets)) return false;
  const said = decodePart(claims);
  if (!isHeader.Check(decodePart(header)) || !isClaims.Check(said)) return false;
  const seconds = now / 1000;
  if (Math.abs(seconds - said.iat) > TOLERANCE_SECONDS) return false;
  if (said.exp !== undefined && said.exp < seconds - TOLERANCE_SECONDS) return false;
  const hash = createHash('sha256').update(request.rawBody).digest('hex');
  return said.api_key === config.apiKey && said.payload_hash === hash;
}

/** Vonage's documentation: after an error on its side a callback may come without a token, and is repeated after a 5xx. */
export function isUnsignedVonageWebhook({ headers }: WebhookRequest): boolean {
  return (headers.authorization ?? '') === '';
}

function bearer({ headers }: WebhookRequest): string {
  const text = headers.authorization ?? '';
  return text.length <= TOKEN_LENGTH_MAXIMUM ? text : '';
}

function isSigned(signed: string, signature: string, secrets: readonly string[]): boolean {
  const given = Buffer.from(signature, 'base64url');
  // 43 characters hold two bits more than 32 bytes: of the four texts of one signature only one counts.
  if (given.length !== 32 || given.toString('base64url') !== signature) return false;
  // Every secret is tried, so that the time taken does not tell which of them signed.
  let authentic = false;
  for (const secret of secrets) {
    if (timingSafeEqual(createHmac('sha256', secret).update(signed).digest(), given)) authentic = true;
  }
  return authentic;
}

function decodePart(part: string): unknown {
  try {
    return JSON.parse(decodeUtf8(Buffer.from(part, 'base64url')) ?? '');
  } catch {
    return undefined;
  }
}
