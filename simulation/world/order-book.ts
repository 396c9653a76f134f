import { encodeCloudEvent } from '../../src/bus/cloud-events.ts';
import type { BusMessage } from '../../src/bus/bus.ts';
import { phoneText, userIdOf } from './people.ts';
import { POOL } from './replica.ts';

/** What the Orders service has published, as it meant it. */
export type Meant =
  | { readonly kind: 'placed' | 'completed' | 'cancelled'; readonly order: string }
  | {
      readonly kind: 'assigned';
      readonly order: string;
      readonly assignment: number;
      readonly people: readonly number[];
    }
  | { readonly kind: 'poison'; readonly order: string };

const ROLES = ['customer', 'driver', 'merchant'];

/** The Orders service: it numbers its events, and remembers what it has said. */
export class OrderBook {
  #events = 0;
  /** by event id, in the order of publishing */
  readonly meant = new Map<string, Meant>();
  readonly highest = new Map<string, number>();

  encode(meant: Meant, now: number, withNumbers: boolean): BusMessage {
    const id = `e${this.#events++}`;
    this.meant.set(id, meant);
    const base = { id, source: 'orders', time: now, key: meant.order };
    switch (meant.kind) {
      case 'placed':
        return encodeCloudEvent({
          ...base,
          type: 'order.placed',
          data: { orderId: meant.order, pool: POOL, customerId: 'c' },
        });
      case 'completed':
      case 'cancelled':
        return encodeCloudEvent({ ...base, type: `order.${meant.kind}`, data: { orderId: meant.order } });
      case 'poison':
        return encodeCloudEvent({
          ...base,
          type: 'order.driver_assigned',
          data: { orderId: meant.order, pool: 42 },
        });
      case 'assigned': {
        const participants = meant.people.map((person, i) => ({
          role: ROLES[i] ?? `guest_${i}`,
          userId: userIdOf(person),
          ...(withNumbers && { realNumber: phoneText(person) }),
        }));
        const { order, assignment } = meant;
        return encodeCloudEvent({
          ...base,
          type: 'order.driver_assigned',
          data: { orderId: order, pool: POOL, assignment, participants },
        });
      }
    }
  }
}
