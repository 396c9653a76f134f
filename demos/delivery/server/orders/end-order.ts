import type { DeliveryContext } from '../delivery-context.ts';
import { DeliveryError } from '../problem.ts';
import { inTransaction } from '../store/database.ts';
import type { Order } from '../store/order-store.ts';
import { recordOrderEvent } from './order-event.ts';

/**
 * Completes or cancels an order. Doing the same once more changes nothing.
 * @throws DeliveryError DELIVERY_NOT_FOUND, DELIVERY_ORDER_ENDED when it ended the other way
 */
export function endOrder(
  context: DeliveryContext,
  orderId: string,
  status: 'completed' | 'cancelled',
): Order {
  const { stores, clock } = context;
  const order = inTransaction(stores.database, () => {
    const before = stores.orders.get(orderId);
    if (!before) throw new DeliveryError('DELIVERY_NOT_FOUND', 'There is no such order.');
    if (before.status === status) return before;
    const ended = stores.orders.end(orderId, status, clock.now());
    if (!ended) throw new DeliveryError('DELIVERY_ORDER_ENDED', `The order is ${before.status} already.`);
    recordOrderEvent(context, { type: `order.${status}`, data: { orderId } });
    return ended;
  });
  context.outboxFilled.call();
  context.notices.send('orders', orderId);
  return order;
}
