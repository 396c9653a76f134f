import type { App } from '../app/app.ts';
import { endReference } from '../app/end-reference.ts';
import { type OpenSessionParams, openSession } from '../app/open-session.ts';
import { placeReference } from '../app/place-reference.ts';
import type { OrderUseCases } from './orders.ts';

/** Events speak of orders, use cases of references. */
export function orderUseCases(app: App): OrderUseCases {
  return {
    placeOrder: ({ tenant, source, eventId, orderId, pool }) =>
      placeReference(app, { tenant, reference: orderId, pool, cause: { source, eventId } }),
    async assignDriver(command) {
      const { outcome } = await openSession(app, toOpenSession(command));
      return outcome === 'duplicate' ? 'duplicate' : 'applied';
    },
    endOrder: ({ tenant, source, eventId, orderId, reason }) =>
      endReference(app, { tenant, reference: orderId, reason, cause: { source, eventId } }),
  };
}

export function toOpenSession(command: Parameters<OrderUseCases['assignDriver']>[0]): OpenSessionParams {
  const { tenant, source, eventId, orderId, pool, assignment, participants } = command;
  return {
    tenant,
    pool,
    reference: orderId,
    assignment,
    participants,
    mode: 'voice_and_message',
    expiresInSeconds: null,
    cause: { source, eventId },
  };
}
