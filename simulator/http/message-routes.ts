import { Type } from '@fastify/type-provider-typebox';
import type { Exchange } from '../exchange/exchange.ts';
import { E164, STRICT } from './schemas.ts';
import type { SimulatorApp } from './typed-app.ts';

const Send = Type.Object(
  { from: E164, to: E164, body: Type.String({ minLength: 1, maxLength: 1_600 }) },
  STRICT,
);

export function addMessageRoutes(app: SimulatorApp, exchange: Exchange): void {
  app.post('/messages', { schema: { body: Send } }, async (request, reply) => {
    const { messageId, state, delivered } = await exchange.messages.send(request.body);
    return reply.code(201).send({ messageId, state, delivered });
  });
}
