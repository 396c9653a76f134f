import type { DeliveryContext } from '../delivery-context.ts';
import { newId } from '../new-id.ts';
import { DeliveryError } from '../problem.ts';
import { inTransaction } from '../store/database.ts';
import type { Order } from '../store/order-store.ts';
import { recordOrderEvent } from './order-event.ts';

const ITEMS = [
  'Two margherita pizzas',
  'Weekly groceries',
  'A bunch of tulips',
  'Ramen for four',
  'Sourdough and coffee',
  'A birthday cake',
  'Cough syrup and tissues',
  'Poke bowl, extra ginger',
  'Dumplings to share',
  'A forgotten charger',
] as const;

/** @throws DeliveryError DELIVERY_UNKNOWN_USER, DELIVERY_WRONG_ROLE */
export function placeOrder(
  context: DeliveryContext,
  { customerId, item }: { readonly customerId: string; readonly item?: string | undefined },
): Order {
  const { stores, clock, random, pool } = context;
  const order = inTransaction(stores.database, () => {
    const customer = stores.profiles.get(customerId);
    if (!customer)
      throw new DeliveryError('DELIVERY_UNKNOWN_USER', 'Create the customer with POST /api/profiles first.');
    if (customer.role !== 'customer')
      throw new DeliveryError('DELIVERY_WRONG_ROLE', 'Only a customer can place an order.');
    const drawn = ITEMS[Math.floor(random.next() * ITEMS.length)] ?? ITEMS[0];
    const placed = stores.orders.insert({
      orderId: newId('ord', random),
      item: item ?? drawn,
      customerId,
      placedAt: clock.now(),
    });
    recordOrderEvent(context, {
      type: 'order.placed',
      data: { orderId: placed.orderId, pool, customerId },
    });
    return placed;
  });
  context.outboxFilled.call();
  context.notices.send('orders', order.orderId);
  return order;
}
