import type { AppOrderView, Masking, OrderView, PersonView, Role } from '../api-types.ts';
import type { Stores } from '../delivery-context.ts';
import type { Order } from '../store/order-store.ts';

/** Labels start above 1000, so that the first order does not look like a test. */
const LABEL_OFFSET = 1_000;

export function labelOf(order: { readonly seq: number }): string {
  return `#${LABEL_OFFSET + order.seq}`;
}

interface MaskingFacts {
  readonly masking: Masking;
  readonly closedReason: string | null;
  readonly virtualNumbers: { readonly customer: string | null; readonly driver: string | null };
}

const NO_NUMBERS = { customer: null, driver: null } as const;

/** What Maskline has announced for the order's current assignment. Numbers of an earlier one are never shown. */
function maskingOf(stores: Stores, order: Order): MaskingFacts {
  if (order.assignment === 0) return { masking: 'none', closedReason: null, virtualNumbers: NO_NUMBERS };
  const session = stores.sessions.get(order.orderId, order.assignment);
  if (session === null || session.state === 'pending') {
    // An order that ended before its session opened will never see it open.
    const masking = order.endedAt === null ? 'pending' : 'closed';
    return { masking, closedReason: null, virtualNumbers: NO_NUMBERS };
  }
  if (session.state === 'closed')
    return { masking: 'closed', closedReason: session.closedReason, virtualNumbers: NO_NUMBERS };
  // A cancelled order's numbers go at once; a completed one keeps them while the pool's grace lets them connect.
  if (order.status === 'cancelled')
    return { masking: 'closed', closedReason: null, virtualNumbers: NO_NUMBERS };
  const participants = stores.sessions.participants(order.orderId, order.assignment);
  const numberOf = (role: Role): string | null =>
    participants.find((participant) => participant.role === role)?.virtualNumber ?? null;
  return {
    masking: 'open',
    closedReason: null,
    virtualNumbers: { customer: numberOf('customer'), driver: numberOf('driver') },
  };
}

function toPerson(stores: Stores, userId: string): PersonView {
  return { userId, name: stores.profiles.get(userId)?.name ?? userId };
}

export function toOrderView(stores: Stores, order: Order): OrderView {
  return {
    orderId: order.orderId,
    label: labelOf(order),
    item: order.item,
    status: order.status,
    customer: toPerson(stores, order.customerId),
    driver: order.driverId === null ? null : toPerson(stores, order.driverId),
    assignment: order.assignment,
    ...maskingOf(stores, order),
    placedAt: new Date(order.placedAt).toISOString(),
    endedAt: order.endedAt === null ? null : new Date(order.endedAt).toISOString(),
  };
}

/** The order as the app of `viewer` may show it. */
export function toAppOrderView(stores: Stores, order: Order, viewer: Role): AppOrderView {
  const { masking, virtualNumbers } = maskingOf(stores, order);
  const role: Role = viewer === 'customer' ? 'driver' : 'customer';
  const userId = role === 'customer' ? order.customerId : order.driverId;
  return {
    orderId: order.orderId,
    label: labelOf(order),
    item: order.item,
    status: order.status,
    masking,
    contact: {
      role,
      name: userId === null ? null : toPerson(stores, userId).name,
      virtualNumber: virtualNumbers[role],
    },
    placedAt: new Date(order.placedAt).toISOString(),
  };
}
