import { createHmac } from 'node:crypto';
import type { Instant } from '../../src/lib/clock.ts';

export const TIMESTAMP_HEADER = 'x-simulator-timestamp';
export const SIGNATURE_HEADER = 'x-simulator-signature';

/**
 * The two headers that prove where a POST comes from: Unix seconds, and `v1=` with the lower-case hex
 * HMAC-SHA-256 over method, path with query, timestamp and body, a line feed between each. The host is not
 * signed, because a proxy in front of the receiver changes it; the secret belongs to one receiver anyway.
 */
export function signatureHeaders(
  url: string,
  body: string,
  secret: string,
  now: Instant,
): Record<string, string> {
  const { pathname, search } = new URL(url);
  const timestamp = String(Math.floor(now / 1000));
  const signed = `POST\n${pathname}${search}\n${timestamp}\n${body}`;
  const digest = createHmac('sha256', secret).update(signed).digest('hex');
  return { [TIMESTAMP_HEADER]: timestamp, [SIGNATURE_HEADER]: `v1=${digest}` };
}
