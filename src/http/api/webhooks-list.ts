import { LIST_COST } from '../operation-cost.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { listOf, listQuery, readPage } from './list.ts';
import { toWebhookAnswer, WebhookComponent } from './webhook-component.ts';

export const webhooksList = defineOperation({
  id: 'listWebhooks',
  method: 'GET',
  url: '/v1/webhooks',
  tag: 'Webhooks',
  scope: 'webhooks:read',
  cost: LIST_COST,
  summary: 'List webhooks',
  description: 'Without their secrets.',
  params: NOTHING,
  query: listQuery({}),
  body: NOTHING,
  answer: listOf(WebhookComponent),
  statuses: { 200: 'A page of webhooks.' },
  errors: [],
  repeatable: 'by_nature',
  async run({ app, tenant, query }) {
    const page = await readPage(
      { app, tenant, query },
      'webhooks',
      (storage, at) => storage.webhooks.list(at),
      (webhook) => webhook.id,
    );
    return { status: 200, body: { data: page.rows.map(toWebhookAnswer), nextCursor: page.nextCursor } };
  },
});
