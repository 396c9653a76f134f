import Type, { type TSchema } from 'typebox';
import type { MaskingEventType } from '../domain/events.ts';
import { VIRTUAL_NUMBER_PATTERN } from '../domain/virtual-number.ts';

/**
 * The `data` of each event that we publish on topic `masking`, as JSON Schema; docs/events/ is made from it.
 * Consumers must ignore fields that they do not know: we add some over time, and never take one away.
 */

const text = (description: string) => Type.String({ minLength: 1, description });
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const virtualNumber = (description: string) =>
  Type.String({ pattern: VIRTUAL_NUMBER_PATTERN, description, examples: ['+12025550123'] });
/** What a provider says was dialled may be a person's own number; unless it is one of ours, it is left out. */
const dialled = (description: string) =>
  Type.String({
    pattern: `^$|${VIRTUAL_NUMBER_PATTERN}`,
    description: `${description}; empty when that is no virtual number of ours`,
    examples: ['+12025550123'],
  });
const instant = (description: string) => Type.String({ format: 'date-time', description });
const count = (description: string) => Type.Integer({ minimum: 0, description });
const closed = { additionalProperties: false };

const participant = Type.Object(
  {
    role: text('customer, driver, merchant …'),
    userId: nullable(text('the id that the order event gave for this person')),
    virtualNumber: nullable(
      virtualNumber(
        'stands for this person: the others dial it and see it; null while the session is pending',
      ),
    ),
  },
  closed,
);

const session = {
  sessionId: text('id of the session'),
  reference: text('the order'),
  assignment: count('grows with every change of driver; the highest wins'),
  pool: text('name of the pool'),
  expiresAt: instant('the session ends then at the latest'),
  participants: Type.Array(participant),
};

const pool = {
  pool: text('name of the pool'),
  idle: count('virtual numbers that could be allocated now'),
  inService: count('virtual numbers in service, idle or not'),
};

const conversation = {
  sessionId: nullable(text('id of the session; null when no live or resting route was found')),
  reference: nullable(text('the order')),
};

const call = {
  callId: text('id of the call'),
  ...conversation,
  callingRole: nullable(text('role of the caller')),
  calledRole: nullable(text('role of the person who was to be connected')),
  virtualNumber: dialled('what was dialled'),
};

const message = {
  messageId: text('id of the message'),
  ...conversation,
  sendingRole: nullable(text('role of the sender')),
  receivingRole: nullable(text('role of the person who was to get it')),
  virtualNumber: dialled('what it was sent to'),
};

const heldNumber = {
  virtualNumber: virtualNumber('the number'),
  pool: text('name of the pool'),
  providerAccount: text('name of the provider account that holds it'),
};

const reason = text('why');

const cappedAccount = Type.Union([Type.String(), Type.Null()], {
  description: 'the provider account whose cap it is; null is the cap of the whole tenant',
});

export const maskingEventSchemas = {
  'session.opened': Type.Object(session, {
    ...closed,
    description:
      'The participants can reach each other. Announced again, with other numbers, when one of them was withdrawn.',
  }),
  'session.pending': Type.Object(session, {
    ...closed,
    description: 'The pool had no number to spare; the session opens as soon as one is there.',
  }),
  'session.closed': Type.Object(
    { ...session, reason },
    { ...closed, description: 'The participants can no longer reach each other.' },
  ),
  'pool.low': Type.Object(
    { ...pool, lowWater: count('the mark that the idle numbers fell below') },
    { ...closed, description: 'Fewer numbers are idle than the pool wants; more are being bought.' },
  ),
  'pool.exhausted': Type.Object(
    { pool: pool.pool, sessionId: text('the session that has to wait'), reference: text('its order') },
    { ...closed, description: 'A session found no number and is pending.' },
  ),
  'call.started': Type.Object(call, { ...closed, description: 'A call was let through to the other party.' }),
  'call.answered': Type.Object(
    { ...call, answeredAt: instant('when the other party answered') },
    { ...closed, description: 'The two parties talk.' },
  ),
  'call.ended': Type.Object(
    {
      ...call,
      durationSeconds: Type.Number({ minimum: 0, description: 'seconds of talk; 0 when nobody answered' }),
      termination: text('how it ended'),
    },
    { ...closed, description: 'A call that was let through is over.' },
  ),
  'call.refused': Type.Object({ ...call, reason }, { ...closed, description: 'A call was not connected.' }),
  'message.relayed': Type.Object(message, { ...closed, description: 'A text was passed on.' }),
  'message.refused': Type.Object(
    { ...message, reason },
    { ...closed, description: 'A text was not passed on.' },
  ),
  'virtual_number.provisioned': Type.Object(heldNumber, {
    ...closed,
    description: 'A number joined a pool.',
  }),
  'virtual_number.suspended': Type.Object(
    { ...heldNumber, reason },
    { ...closed, description: 'A number gets no new sessions until somebody lifts it.' },
  ),
  'provider_account.unavailable': Type.Object(
    { providerAccount: heldNumber.providerAccount, reason },
    { ...closed, description: 'An account fails again and again; nothing is bought from it for now.' },
  ),
  'provider_account.recovered': Type.Object(
    { providerAccount: heldNumber.providerAccount },
    { ...closed, description: 'The account works again.' },
  ),
  'call_cap.reached': Type.Object(
    {
      providerAccount: cappedAccount,
      measure: Type.Union([Type.Literal('calls'), Type.Literal('minutes')], { description: 'of what' }),
      until: instant('when the hour of the cap ends'),
    },
    {
      ...closed,
      description:
        'A cap of an hour is reached: nothing is connected until it ends or somebody lifts the cap.',
    },
  ),
  'call_cap.lifted': Type.Object(
    {
      providerAccount: cappedAccount,
      by: Type.Union([Type.Literal('hour'), Type.Literal('command')], { description: 'what has lifted it' }),
    },
    { ...closed, description: 'Calls are connected again after a cap was reached.' },
  ),
} as const satisfies Record<MaskingEventType, TSchema>;
