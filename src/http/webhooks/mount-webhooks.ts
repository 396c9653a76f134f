import type { FastifyInstance } from 'fastify';
import type { WebhookKind } from '../../providers/provider.ts';
import type { WebhookHandler } from './webhook-handler.ts';
import { WEBHOOK_ROUTE } from './webhook-path.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** answered, logged and measured without the framework */
    readonly observesItself?: boolean;
  }
}

const KINDS = ['answer', 'status', 'message'] as const satisfies readonly WebhookKind[];

/**
 * Puts webhooks ahead of the framework on the framework's own server. Requests that reach the framework all the same,
 * because nothing listens or because the server closes, get to the same handler by a route.
 */
export function mountWebhooks(http: FastifyInstance, webhooks: WebhookHandler): void {
  for (const kind of KINDS) {
    http.route({
      method: ['GET', 'POST'],
      url: WEBHOOK_ROUTE + kind,
      schema: { hide: true },
      config: { observesItself: true },
      onRequest: (request, reply, next) => {
        // With a header set before, the answer's headers are kept where whoever injects requests looks for them.
        reply.raw.setHeader('cache-control', 'no-store');
        if (webhooks.take(request.raw, reply.raw)) reply.hijack();
        else next();
      },
      handler: (_request, reply) => reply.callNotFound(),
    });
  }
  http.addHook('onListen', async () => webhooks.listen());
  http.addHook('preClose', async () => webhooks.close());
  goAhead(http, webhooks);
}

function goAhead({ server }: FastifyInstance, webhooks: WebhookHandler): void {
  const framework = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (raw, response) => {
    // Late comers are the framework's, which sends them away.
    if (!webhooks.closing && webhooks.take(raw, response)) return;
    for (const listener of framework) listener.call(server, raw, response);
  });
}
