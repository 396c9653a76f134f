import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { DeliveryContext } from '../delivery-context.ts';
import type { PhoneWatch } from '../phones/phone-watch.ts';
import { DeliveryError } from '../problem.ts';
import type { EventStreams } from './event-stream.ts';
import { requireProfile } from './profile-routes.ts';
import { Strict, UserId } from './schemas.ts';

/** The board shows two handsets; a little room for other layouts. */
const PHONES_MAXIMUM = 6;

interface EventRouteOptions {
  readonly streams: EventStreams;
  readonly phones: PhoneWatch;
}

/**
 * The live streams of the pages. One stream serves a whole page, its phones included: browsers open six
 * connections to a host at most, so a page that took several would leave its neighbours none.
 */
export function eventRoutes(
  context: DeliveryContext,
  { streams, phones }: EventRouteOptions,
): FastifyPluginAsyncTypebox {
  const { notices } = context;
  return async (app) => {
    app.get(
      '/api/events',
      { schema: { querystring: Type.Object({ phones: Type.Optional(Type.String()) }, Strict) } },
      (request, reply) => {
        const userIds = new Set((request.query.phones ?? '').split(',').filter((userId) => userId !== ''));
        if (userIds.size > PHONES_MAXIMUM)
          throw new DeliveryError('DELIVERY_INVALID_REQUEST', `Follow at most ${PHONES_MAXIMUM} phones.`);
        for (const userId of userIds) requireProfile(context, userId);
        streams.open(request, reply, (send) => {
          const stopListening = notices.listen((notice) => {
            if (notice.subject !== 'phone' || (notice.id !== null && userIds.has(notice.id))) send(notice);
          });
          const stopWatching = [...userIds].map((userId) => phones.watch(userId));
          return () => {
            stopListening();
            for (const stop of stopWatching) stop();
          };
        });
      },
    );

    app.get(
      '/api/phones/:userId/events',
      { schema: { params: Type.Object({ userId: UserId }) } },
      (request, reply) => {
        const { userId } = requireProfile(context, request.params.userId);
        streams.open(request, reply, (send) => {
          const stopListening = notices.listen((notice) => {
            if (notice.subject === 'phone' && notice.id === userId) send(notice);
          });
          const stopWatching = phones.watch(userId);
          return () => {
            stopListening();
            stopWatching();
          };
        });
      },
    );
  };
}
