import type { DeliveryContext } from '../delivery-context.ts';
import { DeliveryError } from '../problem.ts';
import { inTransaction } from '../store/database.ts';
import type { Order } from '../store/order-store.ts';
import { recordOrderEvent } from './order-event.ts';

/**
 * Gives the order a driver, or another one. Assigning the driver whom it has already changes nothing, so that a
 * repeated request does not take new virtual numbers.
 * @throws DeliveryError DELIVERY_NOT_FOUND, DELIVERY_UNKNOWN_USER, DELIVERY_WRONG_ROLE, DELIVERY_ORDER_ENDED
 */
export function assignDriver(context: DeliveryContext, orderId: string, driverId: string): Order {
  const { stores, pool } = context;
  const order = inTransaction(stores.database, () => {
    const before = stores.orders.get(orderId);
    if (!before) throw new DeliveryError('DELIVERY_NOT_FOUND', 'There is no such order.');
    const driver = stores.profiles.get(driverId);
    if (!driver)
      throw new DeliveryError('DELIVERY_UNKNOWN_USER', 'Create the driver with POST /api/profiles first.');
    if (driver.role !== 'driver')
      throw new DeliveryError('DELIVERY_WRONG_ROLE', 'Only a driver can be assigned.');
    if (before.status === 'assigned' && before.driverId === driverId) return before;

    const assigned = stores.orders.assign(orderId, driverId);
    if (!assigned) throw new DeliveryError('DELIVERY_ORDER_ENDED', 'Place a new order.');
    recordOrderEvent(context, {
      type: 'order.driver_assigned',
      data: {
        orderId,
        pool,
        assignment: assigned.assignment,
        participants: [
          { role: 'customer', userId: assigned.customerId },
          { role: 'driver', userId: driverId },
        ],
      },
    });
    return assigned;
  });
  context.outboxFilled.call();
  context.notices.send('orders', orderId);
  return order;
}
