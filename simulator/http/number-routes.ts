import { Type } from '@fastify/type-provider-typebox';
import type { Random } from '../../src/lib/random.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { NumberHeld } from '../exchange/number-records.ts';
import { OperatorError } from '../exchange/operator-error.ts';
import { sendProblem } from './problem.ts';
import { E164, PhonePath, STRICT, WebhookUrl } from './schemas.ts';
import type { SimulatorApp } from './typed-app.ts';

/** What every number of the operator can do. */
const CAPABILITIES = ['voice', 'sms'] as const;

const PAGE_MAXIMUM = 1_000;

const SearchQuery = Type.Object(
  {
    // Empty is as good as missing: people leave the value out of a query that they copied.
    country: Type.Optional(Type.String({ pattern: '^([A-Z]{2})?$' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_MAXIMUM })),
  },
  STRICT,
);

const ListQuery = Type.Object(
  {
    cursor: Type.Optional(E164),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_MAXIMUM })),
  },
  STRICT,
);

const Purchase = Type.Object(
  {
    virtualNumber: E164,
    answerUrl: Type.Optional(WebhookUrl),
    statusUrl: Type.Optional(WebhookUrl),
    messageUrl: Type.Optional(WebhookUrl),
  },
  STRICT,
);

const Webhooks = Type.Object(
  {
    answerUrl: Type.Optional(WebhookUrl),
    statusUrl: Type.Optional(WebhookUrl),
    messageUrl: Type.Optional(WebhookUrl),
  },
  STRICT,
);

export function addNumberRoutes(app: SimulatorApp, exchange: Exchange, random: Random): void {
  app.get('/numbers/available', { schema: { querystring: SearchQuery } }, (request) => {
    const { country, limit } = request.query;
    const found = exchange.numbers.search(
      country === undefined || country === '' ? null : country,
      limit ?? 20,
    );
    return { data: found.map((each) => ({ ...each, capabilities: CAPABILITIES })), nextCursor: null };
  });

  app.post('/numbers', { schema: { body: Purchase } }, (request, reply) => {
    const { virtualNumber, ...webhooks } = request.body;
    const { held, heardOf } = exchange.numbers.sell(virtualNumber, webhooks);
    if (heardOf) return reply.code(201).send(toBody(held));
    // The two ways in which an answer is lost: the connection breaks, or something in between gives up.
    if (random.next() < 0.5) {
      return sendProblem(reply, new OperatorError('INTERNAL', 'The operator failed while selling.'));
    }
    reply.hijack();
    request.raw.socket.destroy();
    return reply;
  });

  app.patch('/numbers/:e164', { schema: { params: PhonePath, body: Webhooks } }, (request) => {
    return { before: toBody(exchange.numbers.configure(request.params.e164, request.body)) };
  });

  app.delete('/numbers/:e164', { schema: { params: PhonePath } }, (request, reply) => {
    exchange.numbers.takeBack(request.params.e164);
    return reply.code(204).send();
  });

  app.get('/numbers', { schema: { querystring: ListQuery } }, (request) => {
    const { cursor, limit } = request.query;
    const { held, nextCursor } = exchange.numbers.list(cursor ?? '', limit ?? 100);
    return { data: held.map(toBody), nextCursor };
  });
}

function toBody(held: NumberHeld) {
  const { provisionedAt, ...rest } = held;
  return { ...rest, capabilities: CAPABILITIES, provisionedAt: new Date(provisionedAt).toISOString() };
}
