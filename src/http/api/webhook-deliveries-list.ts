import { MasklineError } from '../../domain/errors.ts';
import { LIST_COST } from '../operation-cost.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { IdParams } from './fields.ts';
import { listOf, listQuery, readPage } from './list.ts';
import { DeliveryComponent, toDeliveryAnswer } from './webhook-component.ts';

export const webhookDeliveriesList = defineOperation({
  id: 'listWebhookDeliveries',
  method: 'GET',
  url: '/v1/webhooks/:id/deliveries',
  tag: 'Webhooks',
  scope: 'webhooks:read',
  cost: LIST_COST,
  summary: 'List what was or is to be sent to a webhook',
  description: 'Newest first. Kept for 30 days.',
  params: IdParams,
  query: listQuery({}),
  body: NOTHING,
  answer: listOf(DeliveryComponent),
  statuses: { 200: 'A page of deliveries.' },
  errors: ['MASK_NOT_FOUND'],
  repeatable: 'by_nature',
  async run({ app, tenant, params, query }) {
    const page = await readPage(
      { app, tenant, query },
      'webhook-deliveries',
      async ({ webhooks }, at) => {
        if (!(await webhooks.get(params.id))) {
          throw new MasklineError('MASK_NOT_FOUND', 'There is no webhook by that id.');
        }
        return webhooks.deliveries(params.id, at);
      },
      (delivery) => String(delivery.id),
    );
    return { status: 200, body: { data: page.rows.map(toDeliveryAnswer), nextCursor: page.nextCursor } };
  },
});
