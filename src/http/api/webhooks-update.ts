import { Type } from 'typebox';
import { changeWebhook } from '../../app/webhooks.ts';
import { MasklineError } from '../../domain/errors.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { IdParams, strict } from './fields.ts';
import {
  EventTypes,
  toWebhookAnswer,
  WebhookComponent,
  WebhookState,
  WebhookUrl,
} from './webhook-component.ts';

export const webhooksUpdate = defineOperation({
  id: 'updateWebhook',
  method: 'PATCH',
  url: '/v1/webhooks/:id',
  tag: 'Webhooks',
  scope: 'webhooks:write',
  summary: 'Change a webhook, disable it or enable it again',
  description: 'What waits while it is disabled is sent when it is enabled again.',
  params: IdParams,
  query: NOTHING,
  body: Type.Object(
    {
      url: Type.Optional(WebhookUrl),
      eventTypes: Type.Optional(EventTypes),
      state: Type.Optional(WebhookState),
    },
    { ...strict, minProperties: 1, examples: [{ state: 'disabled' }] },
  ),
  answer: WebhookComponent,
  statuses: { 200: 'The webhook as it is now.' },
  errors: ['MASK_NOT_FOUND'],
  repeatable: 'by_key',
  audited: 'webhook.changed',
  async run({ app, tenant, params, body }) {
    const webhook = await changeWebhook(app, { tenant, id: params.id, ...body });
    if (!webhook) throw new MasklineError('MASK_NOT_FOUND', 'There is no webhook by that id.');
    return { status: 200, body: toWebhookAnswer(webhook) };
  },
});
