import { createHash, createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { type FormFields, readFormFields } from '../form-fields.ts';
import type { WebhookRequest } from '../provider.ts';
import { tryFormBody } from '../webhook-body.ts';
import type { TwilioDialect } from './twilio-dialect.ts';

/** The largest honest body is a text of 1,600 characters with its fields. */
const BODY_BYTES_MAXIMUM = 64 * 1024;
/** Twenty bytes in Base64. A signature of another form is none. */
const SIGNATURE_PATTERN = /^[A-Za-z0-9+/]{27}=$/;

/**
 * Whether one of the keys signed this: Base64 of HMAC-SHA-1 over the URL that was called and, of a form, every
 * field's name and value in the order of the names. A body that is no form is bound by its hash in the query
 * (`bodySHA256`). What the signature does not cover is refused: other methods, a GET with a body, a POST with none.
 *
 * Twilio signs the URL without its port for some requests and with it for others, so both count. That gives
 * nothing away: scheme and host of `request.url` are our own setting, not the caller's.
 */
export function isTwilioSigned(
  request: WebhookRequest,
  keys: readonly KeyObject[],
  dialect: TwilioDialect,
): boolean {
  const signature = signatureOf(request, dialect);
  const signed = signature === null ? null : signedPart(request, dialect);
  if (signature === null || signed === null) return false;
  // As text: the last character of Base64 has bits to spare, and other texts would be the same bytes.
  const given = Buffer.from(signature, 'latin1');
  const isSignedBy = (key: KeyObject, url: string): boolean => {
    const expected = createHmac('sha1', key)
      .update(url + signed)
      .digest('base64');
    return timingSafeEqual(Buffer.from(expected, 'latin1'), given);
  };
  // The first match ends the search: how long it took says which of the keys and URLs it was, to whoever holds a key.
  // Nearly all are signed by the first key over the URL as it is, and need one hash.
  return (
    keys.some((key) => isSignedBy(key, request.url)) ||
    signedUrls(request.url).some((url) => keys.some((key) => isSignedBy(key, url)))
  );
}

function signatureOf(request: WebhookRequest, dialect: TwilioDialect): string | null {
  for (const header of dialect.signatureHeaders) {
    const value = request.headers[header];
    if (value !== undefined) return SIGNATURE_PATTERN.test(value) ? value : null;
  }
  return null;
}

/** What is signed after the URL; null when the signature would leave a part of the request uncovered. */
function signedPart(request: WebhookRequest, dialect: TwilioDialect): string | null {
  const { method, rawBody } = request;
  if (method === 'GET') return rawBody.length === 0 ? '' : null;
  if (method !== 'POST' || rawBody.length > BODY_BYTES_MAXIMUM) return null;
  const bodyHash = bodyHashOf(request.url);
  if (bodyHash !== null) return isHashOf(bodyHash, rawBody) ? '' : null;
  if (rawBody.length === 0) return null;
  const fields = tryFormBody(rawBody);
  return fields && signedFields(fields, dialect);
}

function signedFields(fields: FormFields, dialect: TwilioDialect): string {
  let signed = '';
  // By UTF-16 code units, as the vendor's own library sorts.
  for (const name of [...fields.keys()].sort()) {
    const values = fields.get(name) ?? [];
    const repeated = dialect.sortsRepeatedFields && values.length > 1;
    for (const value of repeated ? [...new Set(values)].sort() : values) signed += name + value;
  }
  return signed;
}

function bodyHashOf(url: string): string | null {
  if (!url.includes('?')) return null;
  const query = /^[^?#]*\?([^#]*)/.exec(url)?.[1];
  if (query === undefined) return null;
  const hashes = readFormFields(query)?.get('bodySHA256') ?? [];
  // Two of them are one too many, and no hash is equal to nothing.
  return hashes.length === 0 ? null : hashes.length === 1 ? (hashes[0] ?? '') : '';
}

function isHashOf(hash: string, body: Uint8Array): boolean {
  if (!/^[0-9a-f]{64}$/.test(hash)) return false;
  return timingSafeEqual(createHash('sha256').update(body).digest(), Buffer.from(hash, 'hex'));
}

/**
 * The URL without a port and with one; and the same with the characters of the query escaped that some of Twilio's
 * systems escape before they sign. It is not normalised otherwise: what was called is what was signed.
 */
function signedUrls(url: string): readonly string[] {
  const parts = /^(https?:\/\/)(\[[^\]]*\]|[^/?#:]*)(:[0-9]+)?([/?].*)?$/i.exec(url);
  if (!parts) return [url];
  const [, scheme = '', host = '', port, rest = ''] = parts;
  const defaultPort = scheme.toLowerCase() === 'https://' ? ':443' : ':80';
  const origins = [`${scheme}${host}`, `${scheme}${host}${port ?? defaultPort}`];
  const escaped = escapeQuery(rest);
  const rests = escaped === rest ? [rest] : [rest, escaped];
  return rests.flatMap((each) => origins.map((origin) => origin + each));
}

function escapeQuery(pathAndQuery: string): string {
  const start = pathAndQuery.indexOf('?');
  if (start < 0) return pathAndQuery;
  const query = pathAndQuery
    .slice(start)
    .replace(/['"<>]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return pathAndQuery.slice(0, start) + query;
}
