import type { FastifyInstance } from 'fastify';

/** On every answer: nothing is cached (answers hold numbers), nothing is guessed, nothing is framed. */
const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

export function responseHeaders(requestId: string): Record<string, string> {
  return { ...HEADERS, 'x-request-id': requestId };
}

export function setResponseHeaders(http: FastifyInstance): void {
  http.addHook('onRequest', async (request, reply) => {
    reply.headers(responseHeaders(request.id));
  });
  let closing = false;
  http.addHook('preClose', async () => {
    closing = true;
  });
  // Last of all, so that no plugin's file server makes an answer cacheable.
  http.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', HEADERS['cache-control']);
    // Node waits for connections that were busy when it began to close, for as long as they are kept alive.
    if (closing) reply.header('connection', 'close');
  });
}
