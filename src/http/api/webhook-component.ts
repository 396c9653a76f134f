import { type Static, Type } from 'typebox';
import { MASKING_EVENT_TYPES } from '../../domain/events.ts';
import type { WebhookDelivery, WebhookRow } from '../../storage/webhook-storage.ts';
import { NullableTimestamp, nullableInteger, nullableText, oneOf, Timestamp } from './fields.ts';
import { toNullableTimestamp, toTimestamp } from './timestamp.ts';

export const WebhookUrl = Type.String({
  minLength: 1,
  maxLength: 500,
  description: 'https, on port 443 or 8443, at a public address. Redirects are not followed.',
  examples: ['https://hooks.example.com/maskline'],
});

export const EventTypes = Type.Array(oneOf(MASKING_EVENT_TYPES), {
  minItems: 1,
  maxItems: MASKING_EVENT_TYPES.length,
  uniqueItems: true,
  description: 'Which events are sent.',
  examples: [['session.opened', 'session.closed']],
});

export const WebhookState = oneOf(['enabled', 'disabled'], {
  description: 'Nothing is sent while it is disabled. A webhook that answers 410 is disabled by that.',
});

const FIELDS = {
  id: Type.String({ examples: ['whk_01kd3v8m2x5h9q7r4t6w8y0z2b'] }),
  url: WebhookUrl,
  eventTypes: EventTypes,
  state: WebhookState,
  disabledReason: nullableText({ description: 'Why it is disabled.' }),
  createdAt: Timestamp,
};

export const WebhookComponent = { name: 'Webhook', schema: Type.Object(FIELDS) };

export const NewWebhookComponent = {
  name: 'NewWebhook',
  schema: Type.Object({
    ...FIELDS,
    secret: Type.String({
      description:
        'Verifies what is sent, by the scheme of Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`. Shown this once.',
      examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    }),
  }),
};

export const DeliveryComponent = {
  name: 'WebhookDelivery',
  schema: Type.Object({
    id: Type.String({ examples: ['4711'] }),
    eventId: Type.String({ description: 'What is sent as `webhook-id`: the same in every attempt.' }),
    type: oneOf(MASKING_EVENT_TYPES),
    occurredAt: Timestamp,
    state: oneOf(['waiting', 'delivered', 'failed']),
    attempts: Type.Integer({ minimum: 0, description: 'Up to ten, over 75 hours.' }),
    nextAttemptAt: NullableTimestamp,
    settledAt: NullableTimestamp,
    lastStatus: nullableInteger({ description: 'The HTTP status of the last attempt, if it got one.' }),
    lastError: nullableText({ description: 'Why the last attempt got none.' }),
  }),
};

export const ReplayComponent = {
  name: 'WebhookReplay',
  schema: Type.Object({ replayed: Type.Integer({ minimum: 0, description: 'Deliveries that wait again.' }) }),
};

export function toWebhookAnswer(webhook: WebhookRow): Static<typeof WebhookComponent.schema> {
  const { id, url, eventTypes, state, disabledReason } = webhook;
  return {
    id,
    url,
    eventTypes: [...eventTypes],
    state,
    disabledReason,
    createdAt: toTimestamp(webhook.createdAt),
  };
}

export function toDeliveryAnswer(delivery: WebhookDelivery): Static<typeof DeliveryComponent.schema> {
  const { eventId, state, attempts, lastStatus, lastError } = delivery;
  return {
    id: String(delivery.id),
    eventId,
    // It was written from an event of ours.
    type: delivery.type as Static<typeof DeliveryComponent.schema>['type'],
    occurredAt: toTimestamp(delivery.occurredAt),
    state,
    attempts,
    nextAttemptAt: toNullableTimestamp(delivery.nextAt),
    settledAt: toNullableTimestamp(delivery.settledAt),
    lastStatus,
    lastError,
  };
}
