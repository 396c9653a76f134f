import { Webhook } from 'standardwebhooks';
import type { Instant } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';

/** Standard Webhooks asks for 24 to 64 bytes. */
const SECRET_BYTES = 32;

/** `whsec_` and 32 random bytes in base64: what the receiver verifies with. */
export function createWebhookSecret(random: Random): string {
  return `whsec_${Buffer.from(random.bytes(SECRET_BYTES)).toString('base64')}`;
}

/** The three headers of Standard Webhooks 1.0, symmetric (v1), and what is needed beside them. */
export function signedHeaders(
  secret: string,
  message: { readonly id: string; readonly at: Instant; readonly body: string },
): Record<string, string> {
  const at = new Date(message.at);
  return {
    'content-type': 'application/json',
    'user-agent': 'Maskline-Webhooks/1',
    'webhook-id': message.id,
    'webhook-timestamp': String(Math.floor(message.at / 1_000)),
    'webhook-signature': new Webhook(secret).sign(message.id, at, message.body),
  };
}
