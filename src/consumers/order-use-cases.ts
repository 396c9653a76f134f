import type { App } from '../app/app.ts';
import { endReference, type EndReferenceParams } from '../app/end-reference.ts';
import { type OpenSessionParams, openSession } from '../app/open-session.ts';
import { placeReference, type PlaceReferenceParams } from '../app/place-reference.ts';
import type { OrderUseCases } from './orders.ts';

/** Events speak of orders, use cases of references. */
export function orderUseCases(app: App): OrderUseCases {
  return {
    placeOrder: (command) => placeReference(app, toPlaceReference(command)),
    async assignDriver(command) {
      const { outcome } = await openSession(app, toOpenSession(command));
      return outcome === 'duplicate' ? 'duplicate' : 'applied';
    },
    endOrder: (command) => endReference(app, toEndReference(command)),
  };
}

type Command<Name extends 'placeOrder' | 'assignDriver' | 'endOrder'> = Parameters<OrderUseCases[Name]>[0];

export function toPlaceReference(command: Command<'placeOrder'>): PlaceReferenceParams {
  const { tenant, source, eventId, orderId, pool } = command;
  return { tenant, reference: orderId, pool, cause: { source, eventId } };
}

export function toEndReference(command: Command<'endOrder'>): EndReferenceParams {
  const { tenant, source, eventId, orderId, reason } = command;
  return { tenant, reference: orderId, reason, cause: { source, eventId } };
}

export function toOpenSession(command: Command<'assignDriver'>): OpenSessionParams {
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
