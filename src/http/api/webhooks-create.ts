import { Type } from 'typebox';
import { createWebhook } from '../../app/webhooks.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { strict } from './fields.ts';
import { EventTypes, NewWebhookComponent, toWebhookAnswer, WebhookUrl } from './webhook-component.ts';

export const webhooksCreate = defineOperation({
  id: 'createWebhook',
  method: 'POST',
  url: '/v1/webhooks',
  tag: 'Webhooks',
  scope: 'webhooks:write',
  summary: 'Subscribe a URL to events',
  description:
    'For those without Kafka. What is sent holds ids and reasons, no numbers: ask the API for more. Ten attempts over 75 hours; any 2xx answer within 15 s ends them. It may come twice, and out of order.',
  params: NOTHING,
  query: NOTHING,
  body: Type.Object(
    { url: WebhookUrl, eventTypes: EventTypes },
    {
      ...strict,
      examples: [
        { url: 'https://hooks.example.com/maskline', eventTypes: ['session.opened', 'session.closed'] },
      ],
    },
  ),
  answer: NewWebhookComponent,
  statuses: { 201: 'The webhook, with its secret.' },
  errors: [],
  // Not by key: an answer that is kept would keep the secret.
  repeatable: 'by_nature',
  audited: 'webhook.created',
  location: (webhook) => `/v1/webhooks/${webhook.id}`,
  async run({ app, tenant, body }) {
    const { webhook, secret } = await createWebhook(app, { tenant, ...body });
    return { status: 201, body: { ...toWebhookAnswer(webhook), secret } };
  },
});
