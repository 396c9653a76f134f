import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { WebhookRequest } from '../../providers/provider.ts';

/** The request as raw as it came. `publicUrl` stands for the host, because providers sign the URL they called. */
export function toWebhookRequest(
  raw: IncomingMessage,
  rawBody: Uint8Array,
  publicUrl: string,
  remoteAddress: string,
): WebhookRequest {
  return {
    method: raw.method ?? '',
    url: publicUrl + (raw.url ?? ''),
    headers: plainHeaders(raw.headers),
    rawBody,
    remoteAddress,
  };
}

/** Node joins repeated headers by itself, but for one, and no webhook has that. */
function plainHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string | undefined>> {
  if (headers['set-cookie'] === undefined) return headers as Record<string, string | undefined>;
  return { ...headers, 'set-cookie': undefined } as Record<string, string | undefined>;
}
