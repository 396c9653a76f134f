import { Type } from '@fastify/type-provider-typebox';
import type { Exchange } from '../exchange/exchange.ts';
import { E164, Probability, STRICT } from './schemas.ts';
import type { SimulatorApp } from './typed-app.ts';

const Delay = Type.Integer({ minimum: 0, maximum: 60_000 });

/** Every field may be left out, which turns that fault off. */
const FaultBody = Type.Partial(
  Type.Object({
    answerDelayMs: Delay,
    callbackDelayMs: Delay,
    duplicateCallbacks: Type.Integer({ minimum: 0, maximum: 10 }),
    loseCallbacks: Probability,
    reorderCallbacks: Type.Boolean(),
    sellErrors: Probability,
    loseSellAnswers: Probability,
    listErrors: Probability,
    busyPhones: Type.Array(E164, { maxItems: 1_000 }),
  }),
  STRICT,
);

export function addFaultRoutes(app: SimulatorApp, exchange: Exchange): void {
  app.put('/faults', { schema: { body: FaultBody } }, (request) => exchange.faults.replace(request.body));
  app.get('/faults', () => exchange.faults.settings);
}
