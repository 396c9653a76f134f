import type { FastifyBaseLogger } from 'fastify';
import type { ChangeNotice } from '../api-types.ts';
import type { DeliveryContext } from '../delivery-context.ts';
import { inTransaction } from '../store/database.ts';
import type { SessionState } from '../store/session-store.ts';
import {
  type EventEnvelope,
  readConversationEvent,
  readSessionEvent,
  type SessionEvent,
} from './masking-event.ts';

const SESSION_STATES: Readonly<Record<string, SessionState>> = {
  'session.opened': 'open',
  'session.pending': 'pending',
  'session.closed': 'closed',
};

/** Types that make a line of the live feed. */
const FEED_TYPES = new Set([
  'call.started',
  'call.answered',
  'call.ended',
  'call.refused',
  'message.relayed',
  'message.refused',
]);

const STOCK_TYPES = new Set([
  'pool.low',
  'pool.exhausted',
  'virtual_number.provisioned',
  'virtual_number.suspended',
]);

/**
 * Takes over what one event of Maskline says, exactly once, whether it comes twice, late or out of order. Types
 * that we do not know, orders that are not ours and data that we cannot read change nothing.
 */
export function applyMaskingEvent(
  context: DeliveryContext,
  event: EventEnvelope,
  log: FastifyBaseLogger,
): void {
  const { stores, clock, notices } = context;
  const changed = inTransaction(stores.database, (): ChangeNotice[] => {
    if (!stores.activity.isFirstTime(event.source, event.id, clock.now())) return [];
    const state = SESSION_STATES[event.type];
    if (state !== undefined) return applySessionEvent(context, event, state, log);
    if (FEED_TYPES.has(event.type)) return addToFeed(context, event, log);
    if (STOCK_TYPES.has(event.type)) return [{ subject: 'stock', id: null }];
    log.debug({ type: event.type }, 'event type is not known here');
    return [];
  });
  for (const { subject, id } of changed) notices.send(subject, id);
}

function applySessionEvent(
  { stores }: DeliveryContext,
  event: EventEnvelope,
  state: SessionState,
  log: FastifyBaseLogger,
): ChangeNotice[] {
  const session = readSessionEvent(event.data);
  if (!session) {
    log.warn({ type: event.type, eventId: event.id }, 'session event is not readable and was left out');
    return [];
  }
  const order = stores.orders.get(session.reference);
  // An earlier assignment belongs to a driver who has left the order; only our own assignments can be newer.
  if (!order || session.assignment !== order.assignment) return [];

  const known = stores.sessions.get(order.orderId, session.assignment);
  // A closed session stays closed. An open one may wait again, when a number of it was withdrawn and no other is to
  // spare; what was said before it opened comes late.
  if (known?.state === 'closed') return [];
  if (known?.state === 'open' && state === 'pending' && !isLater(event.time, known.saidAt)) return [];

  stores.sessions.save({
    orderId: order.orderId,
    assignment: session.assignment,
    sessionId: session.sessionId,
    state,
    closedReason: state === 'closed' ? session.reason : null,
    saidAt: event.time,
  });
  stores.sessions.saveParticipants(order.orderId, session.assignment, withVirtualNumber(session));
  return [
    { subject: 'orders', id: order.orderId },
    { subject: 'stock', id: null },
  ];
}

/** Whether both times are known, and the first is after the second. */
function isLater(one: string | null, other: string | null): boolean {
  return one !== null && other !== null && Date.parse(one) > Date.parse(other);
}

function withVirtualNumber(session: SessionEvent) {
  return session.participants.flatMap(({ role, userId, virtualNumber }) =>
    virtualNumber === null ? [] : [{ role, userId, virtualNumber }],
  );
}

function addToFeed(
  { stores, clock }: DeliveryContext,
  event: EventEnvelope,
  log: FastifyBaseLogger,
): ChangeNotice[] {
  const conversation = readConversationEvent(event.data);
  if (!conversation) {
    log.warn({ type: event.type, eventId: event.id }, 'call event is not readable and was left out');
    return [];
  }
  const order = conversation.reference === null ? null : stores.orders.get(conversation.reference);
  stores.activity.add({
    eventId: event.id,
    type: event.type,
    at: event.time ?? new Date(clock.now()).toISOString(),
    orderId: order?.orderId ?? null,
    fromRole: conversation.fromRole,
    toRole: conversation.toRole,
    virtualNumber: conversation.virtualNumber,
    reason: conversation.reason,
    durationSeconds: conversation.durationSeconds,
  });
  return [{ subject: 'activity', id: order?.orderId ?? null }];
}
