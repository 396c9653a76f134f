import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { HandsetView } from '../api-types.ts';
import type { DeliveryContext } from '../delivery-context.ts';
import { toHandsetView } from '../phones/handset-view.ts';
import type { NetworkCall, PhoneNetwork } from '../phones/phone-network.ts';
import { DeliveryError } from '../problem.ts';
import { CallId, E164, Strict, UserId } from './schemas.ts';
import { requireProfile } from './profile-routes.ts';

const Params = Type.Object({ userId: UserId });
const CallParams = Type.Object({ userId: UserId, callId: CallId });
const NoBody = Type.Union([Type.Object({}, Strict), Type.Null()]);
/** Ten parts of a long text message; longer ones no phone sends. */
const MESSAGE_LENGTH_MAXIMUM = 1_530;

/**
 * The handset of a person, by user id: pages never hold a real number, so this is where `from` is filled in and
 * where what the network answers loses the numbers that are not for the screen.
 */
export function phoneRoutes(context: DeliveryContext, network: PhoneNetwork): FastifyPluginAsyncTypebox {
  const { stores } = context;

  /** A phone can act on its own calls only. */
  async function requireOwnCall(userId: string, callId: string): Promise<NetworkCall> {
    const owner = requireProfile(context, userId);
    const { calls } = await network.phone(owner.realNumber);
    const call = calls.find((each) => each.callId === callId);
    if (!call) throw new DeliveryError('DELIVERY_NOT_FOUND', 'This phone has no such call.');
    return call;
  }

  return async (app) => {
    app.get('/api/phones/:userId', { schema: { params: Params } }, async (request): Promise<HandsetView> => {
      const owner = requireProfile(context, request.params.userId);
      return toHandsetView(stores, owner, await network.phone(owner.realNumber));
    });

    app.post(
      '/api/phones/:userId/calls',
      { schema: { params: Params, body: Type.Object({ to: E164 }, Strict) } },
      async (request, reply) => {
        const { realNumber } = requireProfile(context, request.params.userId);
        return reply.code(201).send(await network.dial(realNumber, request.body.to));
      },
    );

    app.post(
      '/api/phones/:userId/calls/:callId/answer',
      { schema: { params: CallParams, body: NoBody } },
      async (request, reply) => {
        const { callId, direction } = await requireOwnCall(request.params.userId, request.params.callId);
        if (direction === 'outgoing')
          throw new DeliveryError('DELIVERY_CALL_ENDED', 'Only the phone that rings can answer.');
        await network.answer(callId);
        return reply.code(204).send();
      },
    );

    app.post(
      '/api/phones/:userId/calls/:callId/hangup',
      { schema: { params: CallParams, body: NoBody } },
      async (request, reply) => {
        const { callId, direction } = await requireOwnCall(request.params.userId, request.params.callId);
        await network.hangUp(callId, direction === 'outgoing' ? 'caller' : 'callee');
        return reply.code(204).send();
      },
    );

    app.post(
      '/api/phones/:userId/messages',
      {
        schema: {
          params: Params,
          body: Type.Object(
            {
              to: E164,
              body: Type.String({ minLength: 1, maxLength: MESSAGE_LENGTH_MAXIMUM, pattern: '\\S' }),
            },
            Strict,
          ),
        },
      },
      async (request, reply) => {
        const { realNumber } = requireProfile(context, request.params.userId);
        const { to, body } = request.body;
        return reply.code(201).send(await network.sendMessage({ from: realNumber, to, body }));
      },
    );
  };
}
