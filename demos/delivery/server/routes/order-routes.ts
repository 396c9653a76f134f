import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { AppOrderView, OrderChangeView, OrderListView, PlacedOrderView } from '../api-types.ts';
import type { DeliveryContext } from '../delivery-context.ts';
import { assignDriver } from '../orders/assign-driver.ts';
import { endOrder } from '../orders/end-order.ts';
import { labelOf, toAppOrderView, toOrderView } from '../orders/order-view.ts';
import { placeOrder } from '../orders/place-order.ts';
import { DeliveryError } from '../problem.ts';
import type { Order } from '../store/order-store.ts';
import { OrderId, Strict, UserId } from './schemas.ts';

const Params = Type.Object({ orderId: OrderId });
const As = Type.Object({ as: Type.Union([Type.Literal('customer'), Type.Literal('driver')]) }, Strict);
/** `/complete` and `/cancel` say nothing more; an empty object is welcome. */
const NoBody = Type.Union([Type.Object({}, Strict), Type.Null()]);

function toChange({ orderId, status, assignment }: Order): OrderChangeView {
  return { orderId, status, assignment };
}

export function orderRoutes(context: DeliveryContext): FastifyPluginAsyncTypebox {
  const { stores } = context;
  return async (app) => {
    app.post(
      '/api/orders',
      {
        schema: {
          body: Type.Object(
            {
              customerId: UserId,
              item: Type.Optional(Type.String({ minLength: 1, maxLength: 120, pattern: '\\S' })),
            },
            Strict,
          ),
        },
      },
      async (request, reply) => {
        const order = placeOrder(context, request.body);
        const placed: PlacedOrderView = {
          orderId: order.orderId,
          label: labelOf(order),
          status: order.status,
        };
        return reply.code(201).send(placed);
      },
    );

    app.get(
      '/api/orders',
      async (): Promise<OrderListView> => ({
        data: stores.orders.list().map((order) => toOrderView(stores, order)),
      }),
    );

    app.get(
      '/api/orders/:orderId',
      { schema: { params: Params, querystring: As } },
      async (request): Promise<AppOrderView> => {
        const order = stores.orders.get(request.params.orderId);
        if (!order) throw new DeliveryError('DELIVERY_NOT_FOUND', 'There is no such order.');
        return toAppOrderView(stores, order, request.query.as);
      },
    );

    app.post(
      '/api/orders/:orderId/assign',
      { schema: { params: Params, body: Type.Object({ driverId: UserId }, Strict) } },
      async (request) => toChange(assignDriver(context, request.params.orderId, request.body.driverId)),
    );

    app.post('/api/orders/:orderId/complete', { schema: { params: Params, body: NoBody } }, async (request) =>
      toChange(endOrder(context, request.params.orderId, 'completed')),
    );

    app.post('/api/orders/:orderId/cancel', { schema: { params: Params, body: NoBody } }, async (request) =>
      toChange(endOrder(context, request.params.orderId, 'cancelled')),
    );
  };
}
