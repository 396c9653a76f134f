import { Type } from 'typebox';
import { replayWebhook } from '../../app/webhooks.ts';
import { MasklineError } from '../../domain/errors.ts';
import { AUDITED_LOOK_COST } from '../operation-cost.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { IdParams, strict, Timestamp } from './fields.ts';
import { readTimestamp } from './timestamp.ts';
import { ReplayComponent } from './webhook-component.ts';

export const webhookReplaysCreate = defineOperation({
  id: 'createWebhookReplay',
  method: 'POST',
  url: '/v1/webhooks/:id/replays',
  tag: 'Webhooks',
  scope: 'webhooks:write',
  cost: AUDITED_LOOK_COST,
  summary: 'Have events sent again',
  description:
    'One delivery by its id, or all that failed since a moment. Up to 30 days back; the same `webhook-id` is sent, so a receiver that remembers ids takes each once.',
  params: IdParams,
  query: NOTHING,
  body: Type.Object(
    {
      deliveryId: Type.Optional(
        Type.String({ pattern: '^[1-9][0-9]{0,14}$', description: 'One delivery, whatever came of it.' }),
      ),
      failedSince: Type.Optional(Timestamp),
    },
    {
      ...strict,
      minProperties: 1,
      maxProperties: 1,
      examples: [{ failedSince: '2026-03-01T12:00:00.000Z' }],
    },
  ),
  answer: ReplayComponent,
  statuses: { 202: 'They wait, and are tried within a second or so.' },
  errors: ['MASK_NOT_FOUND'],
  repeatable: 'by_key',
  audited: 'webhook.replayed',
  async run({ app, tenant, params, body }) {
    const deliveryId = body.deliveryId === undefined ? null : Number(body.deliveryId);
    const since = body.failedSince === undefined ? null : readTimestamp(body.failedSince, '/failedSince');
    const replayed = await replayWebhook(app, { tenant, id: params.id, deliveryId, since });
    if (replayed === null) throw new MasklineError('MASK_NOT_FOUND', 'There is no webhook by that id.');
    return { status: 202, body: { replayed } };
  },
});
