import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { DeliveryContext } from '../delivery-context.ts';
import { DeliveryError } from '../problem.ts';
import { requireProfile } from './profile-routes.ts';
import { UserId } from './schemas.ts';

/** Digests are compared, so that neither the token's length nor its beginning can be found by measuring time. */
function isSame(left: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}

/**
 * The Profile directory, as Maskline asks it: the one address in this system that answers a real number, and
 * only to the bearer of the token. No page uses it.
 */
export function profileDirectoryRoute(
  context: DeliveryContext,
  profileToken: string,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/profiles/:userId',
      { schema: { params: Type.Object({ userId: UserId }) } },
      async (request, reply) => {
        const [scheme, token, ...rest] = (request.headers.authorization ?? '').split(' ');
        const isBearer = scheme?.toLowerCase() === 'bearer' && rest.length === 0;
        if (!isBearer || token === undefined || !isSame(token, profileToken)) {
          reply.header('www-authenticate', 'Bearer realm="profiles"');
          throw new DeliveryError('DELIVERY_UNAUTHENTICATED', 'Send Authorization: Bearer <profile token>.');
        }
        const { userId, realNumber } = requireProfile(context, request.params.userId);
        return reply.header('cache-control', 'no-store').send({ userId, realNumber });
      },
    );
  };
}
