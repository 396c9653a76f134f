import { CloudEvent } from 'cloudevents';
import type { DeliveryContext } from '../delivery-context.ts';
import { newId } from '../new-id.ts';

export const ORDER_EVENT_SOURCE = '/delivery/orders';

export type OrderEventData =
  | {
      readonly type: 'order.placed';
      readonly data: { readonly orderId: string; readonly pool: string; readonly customerId: string };
    }
  | {
      readonly type: 'order.driver_assigned';
      readonly data: {
        readonly orderId: string;
        readonly pool: string;
        readonly assignment: number;
        /** without real numbers: Maskline asks our Profile directory for them */
        readonly participants: readonly { readonly role: string; readonly userId: string }[];
      };
    }
  | {
      readonly type: 'order.completed' | 'order.cancelled';
      readonly data: { readonly orderId: string };
    };

/**
 * Puts an event into the outbox, as part of the caller's transaction. Its id is fixed here, so that it stays the
 * same however often the event is published. Call `context.outboxFilled.call()` after the commit.
 */
export function recordOrderEvent(context: DeliveryContext, event: OrderEventData): void {
  const cloudEvent = new CloudEvent({
    id: newId('evt', context.random),
    source: ORDER_EVENT_SOURCE,
    type: event.type,
    subject: event.data.orderId,
    time: new Date(context.clock.now()).toISOString(),
    datacontenttype: 'application/json',
    data: event.data,
  });
  context.stores.outbox.add(event.data.orderId, JSON.stringify(cloudEvent));
}
