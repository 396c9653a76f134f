import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { App } from '../../app/app.ts';
import type { WebhookKind } from '../../providers/provider.ts';
import { authenticateWebhook } from './authenticate-webhook.ts';
import { receiveWebhook } from './receive-webhook.ts';
import { toWebhookRequest } from './webhook-request.ts';

const KINDS = ['answer', 'status', 'message'] as const satisfies readonly WebhookKind[];

const Params = Type.Object({
  /** for people who read logs of proxies; the account says which provider it is */
  provider: Type.String(),
  accountId: Type.String(),
  pathSecret: Type.String(),
});

/**
 * `/webhooks/{provider}/{accountId}/{pathSecret}/answer|status|message`. The body stays as it came, whatever
 * its type says, because signatures are over bytes; it is read only after the request proved authentic.
 */
export function mountWebhooks(http: FastifyInstance, app: App, publicUrl: string): void {
  http.removeAllContentTypeParsers();
  http.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  for (const kind of KINDS) {
    http.route<{ Params: Static<typeof Params> }>({
      method: ['GET', 'POST'],
      url: `/webhooks/:provider/:accountId/:pathSecret/${kind}`,
      schema: { params: Params, hide: true },
      handler: async (incoming, reply) => {
        const request = toWebhookRequest(incoming, publicUrl);
        const account = await authenticateWebhook(app, incoming.params, request);
        const response = await receiveWebhook(app, account, kind, request);
        return reply.code(response.status).header('content-type', response.contentType).send(response.body);
      },
    });
  }
}
