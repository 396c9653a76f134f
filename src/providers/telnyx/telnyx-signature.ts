import { verify } from 'node:crypto';
import type { Instant } from '../../lib/clock.ts';
import type { WebhookRequest } from '../provider.ts';
import type { TelnyxConfig } from './telnyx-config.ts';

export const TIMESTAMP_HEADER = 'telnyx-timestamp';
export const SIGNATURE_HEADER = 'telnyx-signature-ed25519';

/** How far the clocks may differ, either way: a captured request is worth nothing after that. */
const TOLERANCE_SECONDS = 300;

/**
 * Whether Telnyx signed this: Ed25519 over the time, `|` and the raw body. Method and URL are not covered; ours
 * are only ever POST without a query, and so nothing else counts. The key is public: there is no secret to time.
 */
export function isTelnyxWebhook(request: WebhookRequest, config: TelnyxConfig, now: Instant): boolean {
  if (request.method !== 'POST' || !/^https?:\/\/[^/?#]+\/[^?#]*$/.test(request.url)) return false;
  const timestamp = request.headers[TIMESTAMP_HEADER] ?? '';
  const text = request.headers[SIGNATURE_HEADER] ?? '';
  if (!/^[1-9][0-9]{0,11}$/.test(timestamp) || !/^[A-Za-z0-9+/]{86}==$/.test(text)) return false;
  if (Math.abs(now / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const signature = Buffer.from(text, 'base64');
  // 86 characters hold four bits more than 64 bytes: of the texts of one signature only one counts.
  if (signature.toString('base64') !== text) return false;
  const signed = Buffer.concat([Buffer.from(`${timestamp}|`), request.rawBody]);
  return config.publicKeys.some((key) => verify(null, signed, key, signature));
}
