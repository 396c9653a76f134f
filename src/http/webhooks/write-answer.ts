import type { ServerResponse } from 'node:http';
import type { WebhookResponse } from '../../providers/provider.ts';
import { responseHeaders } from '../response-headers.ts';

/** Seconds after which it is worth asking again, when something that we need did not answer. */
const RETRY_AFTER_SECONDS = '1';

/** The headers of every answer but one, made once, as a list that node:http writes as it is. */
const COMMON = Object.entries(responseHeaders('')).flatMap(([name, value]) =>
  name === 'x-request-id' ? [] : [name, value],
);

/** Writes an answer, in one piece when nobody has set headers before. */
export function writeAnswer(
  response: ServerResponse,
  answered: WebhookResponse,
  options: { readonly requestId: string; readonly closing: boolean },
): void {
  const { status, contentType, body } = answered;
  const headers = [
    'content-type',
    contentType,
    'content-length',
    String(Buffer.byteLength(body)),
    ...COMMON,
    'x-request-id',
    options.requestId,
  ];
  if (status === 503) headers.push('retry-after', RETRY_AFTER_SECONDS);
  // Node waits for connections that were busy when it began to close, for as long as they are kept alive.
  if (options.closing) headers.push('connection', 'close');
  response.writeHead(status, headers);
  response.end(body);
}
