import { Type } from '@fastify/type-provider-typebox';
import type { CallRecord } from '../exchange/call-record.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { rfc3339 } from './rfc3339.ts';
import { CallPath, E164, STRICT } from './schemas.ts';
import type { SimulatorApp } from './typed-app.ts';

const Dial = Type.Object(
  {
    from: E164,
    to: E164,
    withheld: Type.Optional(Type.Boolean()),
    attestation: Type.Optional(Type.Union([Type.Literal('A'), Type.Literal('B'), Type.Literal('C')])),
    digits: Type.Optional(Type.String({ pattern: '^[0-9*#]{1,20}$' })),
  },
  STRICT,
);

const Nothing = Type.Object({}, STRICT);

const HangUp = Type.Object(
  { by: Type.Optional(Type.Union([Type.Literal('caller'), Type.Literal('callee')])) },
  STRICT,
);

export function addCallRoutes(app: SimulatorApp, exchange: Exchange): void {
  app.post('/calls', { schema: { body: Dial } }, async (request, reply) => {
    const { callId, state, heard, bLeg } = await exchange.calls.dial(request.body);
    return reply.code(201).send({ callId, state, heard, bLeg });
  });

  app.get('/calls/:id', { schema: { params: CallPath } }, (request) =>
    toBody(exchange.calls.find(request.params.id)),
  );

  app.post('/calls/:id/answer', { schema: { params: CallPath, body: Nothing } }, (request) =>
    toBody(exchange.calls.answer(request.params.id)),
  );

  app.post('/calls/:id/hangup', { schema: { params: CallPath, body: HangUp } }, (request) =>
    toBody(exchange.calls.hangUp(request.params.id, request.body.by ?? 'caller')),
  );
}

function toBody(call: CallRecord) {
  return {
    callId: call.callId,
    from: call.from,
    to: call.to,
    withheld: call.withheld,
    state: call.state,
    heard: call.heard,
    bLeg: call.bLeg,
    startedAt: rfc3339(call.startedAt),
    answeredAt: rfc3339(call.answeredAt),
    endedAt: rfc3339(call.endedAt),
    durationSeconds: call.durationSeconds,
    termination: call.termination,
  };
}
