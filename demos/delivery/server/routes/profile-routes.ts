import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { AppView, ProfileView } from '../api-types.ts';
import type { DeliveryContext } from '../delivery-context.ts';
import { toAppOrderView } from '../orders/order-view.ts';
import { DeliveryError } from '../problem.ts';
import { maskRealNumber, parseRealNumber } from '../real-number.ts';
import type { Profile } from '../store/profile-store.ts';
import { Strict, UserId } from './schemas.ts';

export function toProfileView({ userId, role, name, realNumber }: Profile): ProfileView {
  return { userId, role, name, realNumber: maskRealNumber(realNumber) };
}

/** @throws DeliveryError DELIVERY_NOT_FOUND */
export function requireProfile(context: DeliveryContext, userId: string): Profile {
  const profile = context.stores.profiles.get(userId);
  if (!profile) throw new DeliveryError('DELIVERY_NOT_FOUND', 'There is no such user.');
  return profile;
}

/** The Profile store as the company's own pages see it: real numbers go in and never come out. */
export function profileRoutes(context: DeliveryContext): FastifyPluginAsyncTypebox {
  const { stores, clock, notices } = context;
  return async (app) => {
    app.post(
      '/api/profiles',
      {
        schema: {
          body: Type.Object(
            {
              userId: UserId,
              role: Type.Union([Type.Literal('customer'), Type.Literal('driver')]),
              name: Type.String({ minLength: 1, maxLength: 80, pattern: '\\S' }),
              realNumber: Type.String({ minLength: 4, maxLength: 32 }),
            },
            Strict,
          ),
        },
      },
      async (request, reply) => {
        const { userId, role, name, realNumber } = request.body;
        const e164 = parseRealNumber(realNumber);
        if (e164 === null)
          throw new DeliveryError(
            'DELIVERY_INVALID_NUMBER',
            'Send realNumber as E.164: +, country code, number.',
          );
        const known = stores.profiles.get(userId);
        if (known && known.role !== role)
          throw new DeliveryError('DELIVERY_ROLE_CONFLICT', `This user is a ${known.role} already.`);
        const profile: Profile = { userId, role, name: name.trim(), realNumber: e164 };
        stores.profiles.save(profile, clock.now());
        notices.send('profiles', userId);
        return reply.code(known ? 200 : 201).send(toProfileView(profile));
      },
    );

    app.get('/api/profiles', async () => ({ data: stores.profiles.list().map(toProfileView) }));

    app.get(
      '/api/profiles/:userId/orders',
      { schema: { params: Type.Object({ userId: UserId }) } },
      async (request): Promise<AppView> => {
        const profile = requireProfile(context, request.params.userId);
        const orders = stores.orders.listOf(profile.role, profile.userId);
        return {
          profile: toProfileView(profile),
          orders: orders.map((order) => toAppOrderView(stores, order, profile.role)),
        };
      },
    );
  };
}
