import type { FastifyRequest } from 'fastify';
import type { WebhookRequest } from '../../providers/provider.ts';

/** The request as raw as it came. `publicUrl` stands for the host, because providers sign the URL they called. */
export function toWebhookRequest(request: FastifyRequest, publicUrl: string): WebhookRequest {
  const headers: Record<string, string | undefined> = Object.create(null);
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return {
    method: request.method,
    url: publicUrl + (request.raw.url ?? ''),
    headers,
    rawBody: Buffer.isBuffer(request.body) ? request.body : new Uint8Array(),
    remoteAddress: request.ip,
  };
}
