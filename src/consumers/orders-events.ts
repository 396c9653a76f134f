import type { Static } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import type { BusMessage } from '../bus/bus.ts';
import { type DecodedEvent, decodeCloudEvent } from '../bus/cloud-events.ts';
import { PhoneNumber } from '../privacy/phone-number.ts';
import {
  orderCancelledSchema,
  orderCompletedSchema,
  orderDriverAssignedSchema,
  orderPlacedSchema,
} from './order-event-schemas.ts';
import type { Poison, PoisonReason } from './poison.ts';

interface OrderEventBase {
  /** with `source`, what the inbox knows the event by */
  readonly eventId: string;
  readonly source: string;
  /** when it happened, milliseconds; when the message was read, if the event does not say */
  readonly occurredAt: number;
  readonly orderId: string;
}

export interface AssignedParticipant {
  readonly role: string;
  readonly userId: string | null;
  /** null: to be looked up in the Profile directory by `userId`, which is there then */
  readonly realNumber: PhoneNumber | null;
  /** when the producer last knew that the number is theirs, milliseconds; null when it does not say */
  readonly verifiedAt: number | null;
}

/** An event on topic `orders`, checked. The only text of a real number that ever existed is gone by now. */
export type OrderEvent =
  | (OrderEventBase & {
      readonly type: 'order.placed';
      readonly pool: string;
      readonly customerId: string;
    })
  | (OrderEventBase & {
      readonly type: 'order.driver_assigned';
      readonly pool: string;
      readonly assignment: number;
      readonly participants: readonly AssignedParticipant[];
    })
  | (OrderEventBase & { readonly type: 'order.completed' | 'order.cancelled' });

export type OrderEventResult =
  | { readonly ok: true; readonly event: OrderEvent }
  | ({ readonly ok: false } & Poison);

// Compiled once: a check then costs microseconds.
const placed = Compile(orderPlacedSchema);
const assigned = Compile(orderDriverAssignedSchema);
const completed = Compile(orderCompletedSchema);
const cancelled = Compile(orderCancelledSchema);

/**
 * Reads a message of topic `orders`. It never throws, whatever the bytes.
 * @param receivedAt milliseconds; stands in for the time of an event that has none
 */
export function readOrderEvent(
  message: Pick<BusMessage, 'value' | 'headers'>,
  receivedAt: number,
): OrderEventResult {
  const decoded = decodeCloudEvent(message);
  if (!decoded.ok) return decoded;
  const { event } = decoded;
  switch (event.type) {
    case 'order.placed':
      return readPlaced(event, receivedAt);
    case 'order.driver_assigned':
      return readAssigned(event, receivedAt);
    case 'order.completed':
      return readEnded(event, event.type, completed, receivedAt);
    case 'order.cancelled':
      return readEnded(event, event.type, cancelled, receivedAt);
    default:
      return poison('unknown_type', 'No event of topic `orders` has this type.');
  }
}

function readPlaced(event: DecodedEvent, receivedAt: number): OrderEventResult {
  const { data } = event;
  if (!placed.Check(data)) return breach(placed, data);
  const { orderId, pool, customerId } = data;
  const unusable = unusableId('orderId', orderId) ?? unusableId('customerId', customerId);
  if (unusable) return unusable;
  return { ok: true, event: { type: 'order.placed', ...base(event, orderId, receivedAt), pool, customerId } };
}

function readAssigned(event: DecodedEvent, receivedAt: number): OrderEventResult {
  const { data } = event;
  if (!assigned.Check(data)) return breach(assigned, data);
  const unusable = unusableId('orderId', data.orderId);
  if (unusable) return unusable;
  // Arrival decides nothing: of two assignments without a number, the one that happened later must win.
  const assignment = data.assignment ?? event.time;
  if (assignment === null || assignment < 0) {
    return poison(
      'invalid_data',
      '`assignment` is missing, and the event has no `time` after 1970 to stand in.',
    );
  }
  const participants: AssignedParticipant[] = [];
  for (const [index, participant] of data.participants.entries()) {
    const read = readParticipant(participant, `participants/${index}`);
    if ('reason' in read) return { ok: false, ...read };
    participants.push(read);
  }
  const { orderId, pool } = data;
  const rest = { pool, assignment, participants };
  return { ok: true, event: { type: 'order.driver_assigned', ...base(event, orderId, receivedAt), ...rest } };
}

type ParticipantData = Static<typeof orderDriverAssignedSchema>['participants'][number];

function readParticipant(data: ParticipantData, path: string): AssignedParticipant | Poison {
  const userId = data.userId ?? null;
  const unusable = userId === null ? null : unusableId(`${path}/userId`, userId);
  if (unusable) return unusable;
  const verifiedAt = data.verifiedAt === undefined ? null : Date.parse(data.verifiedAt);
  if (Number.isNaN(verifiedAt)) return poison('invalid_data', `${path}/verifiedAt is no instant.`);
  const text = data.realNumber ?? null;
  if (text === null) {
    if (userId === null) return poison('invalid_data', `${path} has neither userId nor realNumber.`);
    return { role: data.role, userId, realNumber: null, verifiedAt };
  }
  const realNumber = PhoneNumber.parse(text);
  if (!realNumber) return poison('invalid_number', `${path}/realNumber is not an E.164 number with +.`);
  return { role: data.role, userId, realNumber, verifiedAt };
}

function readEnded(
  event: DecodedEvent,
  type: 'order.completed' | 'order.cancelled',
  schema: typeof completed,
  receivedAt: number,
): OrderEventResult {
  const { data } = event;
  if (!schema.Check(data)) return breach(schema, data);
  const unusable = unusableId('orderId', data.orderId);
  if (unusable) return unusable;
  return { ok: true, event: { type, ...base(event, data.orderId, receivedAt) } };
}

function base(event: DecodedEvent, orderId: string, receivedAt: number): OrderEventBase {
  return { eventId: event.id, source: event.source, occurredAt: event.time ?? receivedAt, orderId };
}

/**
 * Ids come back in events and answers, which hold no real number: somebody's number is no id here. Half a
 * surrogate pair does not survive UTF-8, so that two ids could become one.
 */
function unusableId(path: string, text: string): ({ ok: false } & Poison) | null {
  if (!text.isWellFormed()) return poison('invalid_data', `${path} is not well-formed Unicode.`);
  const isNumber = text.startsWith('+') && PhoneNumber.parse(text) !== null;
  return isNumber
    ? poison('invalid_data', `${path} is a phone number, which must not serve as an id.`)
    : null;
}

function poison(reason: PoisonReason, detail: string): { ok: false } & Poison {
  return { ok: false, reason, detail };
}

/** Where the data break the schema and how; the names of unknown fields are theirs, so they are not quoted. */
function breach(schema: Validator, data: unknown): { ok: false } & Poison {
  const errors = schema.Errors(data).filter((error) => error.keyword !== 'boolean');
  const [first] = errors;
  if (!first) return poison('invalid_data', 'data breaks its schema.');
  return poison('invalid_data', `data${first.instancePath} ${first.message}.`);
}
