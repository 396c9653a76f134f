import { randomBytes } from 'node:crypto';
import type { FastifyReply } from 'fastify';

/** Stands in the built page (vite.config.ts) and in ours; each answer gets its own value instead. */
export const NONCE_PLACEHOLDER = '__CSP_NONCE__';

/** Nothing but our own files may run; styles that the component library adds carry the answer's nonce. */
export function sendHtml(reply: FastifyReply, html: string): FastifyReply {
  const nonce = randomBytes(16).toString('base64');
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ];
  return reply
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy.join('; '),
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    })
    .send(html.replaceAll(NONCE_PLACEHOLDER, nonce));
}
