import { createHash, timingSafeEqual } from 'node:crypto';
import type { WebhookRequest } from './provider.ts';

/**
 * Whether a request carries HTTP Basic with this user name and one of these passwords (RFC 7617), in a time that
 * does not depend on what it carries. Only the plain form counts that every client writes: the whole header is compared.
 */
export function hasBasicAuth(
  request: WebhookRequest,
  username: string,
  passwords: readonly (string | undefined)[],
): boolean {
  const given = digest(request.headers.authorization ?? '');
  let matches = false;
  for (const password of passwords) {
    if (password === undefined) continue;
    const expected = `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
    if (timingSafeEqual(digest(expected), given)) matches = true;
  }
  return matches;
}

/** Equal lengths, whatever was sent, so that the comparison tells nothing. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
