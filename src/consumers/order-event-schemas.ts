import Type, { type TSchema } from 'typebox';
import { PARTICIPANTS_MAXIMUM, PARTICIPANTS_MINIMUM } from '../domain/session.ts';

/** The types of the events on topic `orders`; they name the events themselves (contract, section 3). */
export const ORDER_EVENT_TYPES = [
  'order.placed',
  'order.driver_assigned',
  'order.completed',
  'order.cancelled',
] as const;
export type OrderEventType = (typeof ORDER_EVENT_TYPES)[number];

// Stricter than CloudEvents asks, which lets consumers ignore what they do not know: a field that we do not
// know may hold a number that nobody meant to send us, or say something that changes the meaning.
const closed = { additionalProperties: false };

// A control character in an id would end up in logs and in the database; none has a use there.
const PRINTABLE = '^[^\\u0000-\\u001f\\u007f]+$';
const id = (description: string, maxLength: number) =>
  Type.String({ minLength: 1, maxLength, pattern: PRINTABLE, description });

const orderId = id('the order; at most 128 characters, and never a phone number', 128);
const pool = id('the name of the pool that lends the virtual numbers', 64);

const participant = Type.Object(
  {
    role: Type.String({
      pattern: '^[a-z][a-z0-9_]{0,31}$',
      description: 'customer, driver, merchant …',
      examples: ['driver'],
    }),
    userId: Type.Optional(
      Type.Union([id('the person, as the Profile directory knows them', 128), Type.Null()]),
    ),
    realNumber: Type.Optional(
      Type.Union([
        Type.String({
          minLength: 1,
          maxLength: 32,
          description: "the person's own number, E.164 with +; looked up by userId when it is missing",
          examples: ['+12025550123'],
        }),
        Type.Null(),
      ]),
    ),
    verifiedAt: Type.Optional(
      Type.String({
        pattern:
          '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$',
        description: 'when you last knew that the number is theirs, RFC 3339; pools may ask for it',
        examples: ['2026-03-01T12:00:00Z'],
      }),
    ),
  },
  { ...closed, description: 'A person who takes part; userId or realNumber must be there.' },
);

export const orderPlacedSchema = Type.Object(
  { orderId, pool, customerId: id('the customer, as the Profile directory knows them', 128) },
  { ...closed, description: 'An order was placed: numbers will be needed soon.' },
);

export const orderDriverAssignedSchema = Type.Object(
  {
    orderId,
    pool,
    assignment: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'grows with every change of driver; the time of the event in milliseconds by default',
      }),
    ),
    participants: Type.Array(participant, { minItems: PARTICIPANTS_MINIMUM, maxItems: PARTICIPANTS_MAXIMUM }),
  },
  { ...closed, description: 'A driver took the order: the participants shall reach each other.' },
);

const orderEnded = (description: string) => Type.Object({ orderId }, { ...closed, description });
export const orderCompletedSchema = orderEnded('The order was delivered.');
export const orderCancelledSchema = orderEnded('The order was called off.');

/** The `data` of each event on topic `orders`, as JSON Schema; docs/events/ is made from it. */
export const orderEventSchemas = {
  'order.placed': orderPlacedSchema,
  'order.driver_assigned': orderDriverAssignedSchema,
  'order.completed': orderCompletedSchema,
  'order.cancelled': orderCancelledSchema,
} as const satisfies Record<OrderEventType, TSchema>;
