import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { ActivityListView, ActivityParty, ActivityView, CallRecordListView } from '../api-types.ts';
import type { DeliveryContext, Stores } from '../delivery-context.ts';
import type { MasklineApi } from '../maskline-api.ts';
import { labelOf } from '../orders/order-view.ts';
import { DeliveryError } from '../problem.ts';
import { maskRealNumber } from '../real-number.ts';
import type { Activity } from '../store/activity-store.ts';
import type { Order } from '../store/order-store.ts';
import { OrderId } from './schemas.ts';

const ACTIVITY_LIMIT = 60;

function toParty(stores: Stores, order: Order | null, role: string | null): ActivityParty | null {
  if (role === null) return null;
  const userId = role === 'customer' ? order?.customerId : role === 'driver' ? order?.driverId : null;
  return { role, name: userId ? (stores.profiles.get(userId)?.name ?? null) : null };
}

function toActivityView(stores: Stores, activity: Activity): ActivityView {
  const { eventId, type, at, orderId, virtualNumber, reason, durationSeconds } = activity;
  const order = orderId === null ? null : stores.orders.get(orderId);
  return {
    eventId,
    type,
    at,
    orderId,
    label: order && labelOf(order),
    from: toParty(stores, order, activity.fromRole),
    to: toParty(stores, order, activity.toRole),
    // Maskline is asked about its own numbers only; should it ever name a person's own, it stops here.
    virtualNumber:
      virtualNumber !== null && stores.profiles.isRealNumber(virtualNumber)
        ? maskRealNumber(virtualNumber)
        : virtualNumber,
    reason,
    durationSeconds,
  };
}

/** What the dispatcher watches: the live feed, the call records and the stock of virtual numbers. */
export function insightRoutes(context: DeliveryContext, maskline: MasklineApi): FastifyPluginAsyncTypebox {
  const { stores } = context;
  return async (app) => {
    app.get(
      '/api/activity',
      async (): Promise<ActivityListView> => ({
        data: stores.activity.list(ACTIVITY_LIMIT).map((activity) => toActivityView(stores, activity)),
      }),
    );

    app.get('/api/stock', async () => maskline.stockOf(context.pool));

    app.get(
      '/api/orders/:orderId/calls',
      { schema: { params: Type.Object({ orderId: OrderId }) } },
      async (request): Promise<CallRecordListView> => {
        const order = stores.orders.get(request.params.orderId);
        if (!order) throw new DeliveryError('DELIVERY_NOT_FOUND', 'There is no such order.');
        return { data: await maskline.callsOf(order.orderId) };
      },
    );
  };
}
