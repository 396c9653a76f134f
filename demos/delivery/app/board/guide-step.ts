import type { HandsetView, OrderView } from '../../server/api-types.ts';
import { firstNameOf, formatNumber } from '../parts/format.ts';

export const GUIDE_TITLES = [
  'Place an order',
  'Assign a driver',
  'Call',
  'Answer',
  'Complete',
  'Call again',
] as const;

export type GuideAction =
  | { readonly kind: 'place' }
  | { readonly kind: 'assign' }
  | { readonly kind: 'call'; readonly userId: string; readonly to: string }
  | { readonly kind: 'answer'; readonly userId: string; readonly callId: string }
  | { readonly kind: 'hang_up'; readonly userId: string; readonly callId: string }
  | { readonly kind: 'complete'; readonly orderId: string };

export interface GuideStep {
  /** index in GUIDE_TITLES; its length when everything was seen */
  readonly step: number;
  readonly sentence: string;
  /** null while there is nothing to do but wait */
  readonly action: GuideAction | null;
  readonly button: string;
}

export interface GuideFacts {
  readonly order: OrderView | null;
  readonly customerName: string;
  readonly driverName: string;
  readonly customerPhone: HandsetView | null;
}

/** What a visitor does next to see Maskline at work, and what they have just seen. */
export function guideStep(facts: GuideFacts): GuideStep {
  const { order, customerName } = facts;
  const customer = firstNameOf(customerName);
  if (order === null) return start(customer, 'Two strangers share an order. Begin with one.');
  switch (order.status) {
    case 'placed':
      return assignStep(firstNameOf(facts.driverName), customer);
    case 'assigned':
      return callStep(order, facts.customerPhone);
    case 'completed':
      return redialStep(order, facts.customerPhone);
    case 'cancelled':
      return start(customer, 'A cancelled order loses its numbers at once. Place another.');
  }
}

function start(customer: string, sentence: string): GuideStep {
  return { step: 0, sentence, action: { kind: 'place' }, button: `Place an order for ${customer}` };
}

function assignStep(driver: string, customer: string): GuideStep {
  return {
    step: 1,
    sentence: `${customer} waits for a driver. Assigning one takes two virtual numbers from the stock.`,
    action: { kind: 'assign' },
    button: `Assign ${driver}`,
  };
}

function callStep(order: OrderView, phone: HandsetView | null): GuideStep {
  const customer = firstNameOf(order.customer.name);
  const driver = firstNameOf(order.driver?.name ?? 'the driver');
  const driverNumber = order.virtualNumbers.driver;
  const customerNumber = formatNumber(order.virtualNumbers.customer ?? '');
  if (driverNumber === null)
    return {
      step: 1,
      sentence: 'Maskline is binding two virtual numbers.',
      action: null,
      button: 'One moment',
    };

  const call = phone?.calls.find((each) => each.contact?.orderId === order.orderId);
  if (call?.state === 'ringing' || call?.state === 'answered') {
    const isOutgoing = call.direction === 'outgoing';
    const [caller, callee] = isOutgoing ? [customer, driver] : [driver, customer];
    const calleeId = isOutgoing ? (order.driver?.userId ?? '') : order.customer.userId;
    const seen = isOutgoing ? customerNumber : formatNumber(driverNumber);
    if (call.state === 'ringing')
      return {
        step: 3,
        sentence: `${callee}’s phone rings and shows ${seen}: it stands for ${caller}, and it is not ${caller}’s own.`,
        action: { kind: 'answer', userId: calleeId, callId: call.callId },
        button: `Answer as ${callee}`,
      };
    return {
      step: 4,
      sentence: `They talk, and each sees a virtual number only. Neither real number has been shown to anybody.`,
      action: { kind: 'hang_up', userId: calleeId, callId: call.callId },
      button: 'Hang up',
    };
  }
  if (call?.state === 'ended')
    return {
      step: 4,
      sentence: `Calling back works as well, from the app or the call log. Complete the order to end it.`,
      action: { kind: 'complete', orderId: order.orderId },
      button: 'Complete the order',
    };
  return {
    step: 2,
    sentence: `${customer} sees a number for ${driver}, ${driver} sees one for ${customer}: both belong to this order alone.`,
    action: { kind: 'call', userId: order.customer.userId, to: driverNumber },
    button: `Call ${driver} as ${customer}`,
  };
}

function redialStep(order: OrderView, phone: HandsetView | null): GuideStep {
  const customer = firstNameOf(order.customer.name);
  if (order.masking !== 'closed')
    return {
      step: 4,
      sentence: 'The numbers connect for a short grace, then they are taken back.',
      action: null,
      button: 'One moment',
    };
  const outgoing = phone?.calls.filter(
    (each) =>
      each.direction === 'outgoing' && each.startedAt >= order.placedAt && each.shownNumber.match(/^\+\d+$/),
  );
  const [last] = outgoing ?? [];
  if (last === undefined)
    return start(customer, 'The order has ended, and its numbers rest. Place another and make a call.');
  if (last.state === 'refused' || last.state === 'failed')
    return {
      step: GUIDE_TITLES.length,
      sentence: 'The old number leads nowhere: it rests now, and will serve other people later.',
      action: { kind: 'place' },
      button: 'Place another order',
    };
  return {
    step: 5,
    sentence: `The order is over. ${customer} still has the number in the call log: try it.`,
    action: { kind: 'call', userId: order.customer.userId, to: last.shownNumber },
    button: `Redial as ${customer}`,
  };
}
