import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import { fastify } from 'fastify';
import type { Clock } from '../../src/lib/clock.ts';
import type { Random } from '../../src/lib/random.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { addCallRoutes } from './call-routes.ts';
import { addFaultRoutes } from './fault-routes.ts';
import { addMessageRoutes } from './message-routes.ts';
import { addNumberRoutes } from './number-routes.ts';
import { addPhoneRoutes } from './phone-routes.ts';
import { installProblems } from './problem.ts';
import type { SimulatorApp } from './typed-app.ts';

/** The largest honest body is the list of busy phones. */
const BODY_BYTES_MAXIMUM = 64 * 1024;
/** How long a client may take to send its request. */
const REQUEST_TIMEOUT_MS = 10_000;

const OVERVIEW = `A telecom operator with phones that exist only here. JSON in, JSON out; simulator/README.md has the details.

GET    /numbers/available?country=&limit=     numbers on sale
POST   /numbers {virtualNumber}               buy one
GET    /numbers?cursor=&limit=                numbers held
PATCH  /numbers/{e164} {answerUrl, …}         point its webhooks elsewhere
DELETE /numbers/{e164}                        give one back
POST   /calls {from, to}                      a phone dials
POST   /calls/{id}/answer                     the callee answers
POST   /calls/{id}/hangup {by?}               one of them hangs up
GET    /calls/{id}                            how the call went
POST   /messages {from, to, body}             a phone sends a text
GET    /phones/{e164}                         what that phone has seen
GET    /phones/{e164}/events                  the same, as server-sent events
GET    /faults, PUT /faults                   how the operator misbehaves
`;

export interface SimulatorAppOptions {
  readonly exchange: Exchange;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: (line: string) => void;
}

/** The HTTP interface of an exchange: reads, checks, passes on, and presents. */
export function createSimulatorApp(options: SimulatorAppOptions): SimulatorApp {
  const { exchange, clock, random, log } = options;
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAXIMUM,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Watchers of a phone hold their connection for hours; a stop does not wait for them.
    forceCloseConnections: true,
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setValidatorCompiler(TypeBoxValidatorCompiler);
  acceptEmptyBodies(app);
  installProblems(app, log);
  app.get('/', (_request, reply) => reply.type('text/plain; charset=utf-8').send(OVERVIEW));
  app.get('/healthz', () => ({ status: 'ok' }));
  addNumberRoutes(app, exchange, random);
  addCallRoutes(app, exchange);
  addMessageRoutes(app, exchange);
  addPhoneRoutes(app, exchange, clock);
  addFaultRoutes(app, exchange);
  return app;
}

/** `/answer` and `/hangup` need no body, and many clients announce JSON all the same. */
function acceptEmptyBodies(app: SimulatorApp): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, {});
    else parseJson(request, String(body), done);
  });
  app.addHook('preValidation', async (request) => {
    if (request.method === 'POST') request.body ??= {};
  });
}
