import { describe, expect, it } from 'vitest';
import type { HandsetCall, HandsetView, OrderView } from '../../server/api-types.ts';
import { GUIDE_TITLES, guideStep } from './guide-step.ts';

const CUSTOMER_NUMBER = '+13475550100';
const DRIVER_NUMBER = '+13475550101';

const order: OrderView = {
  orderId: 'ord_1',
  label: '#1001',
  item: 'Ramen',
  status: 'assigned',
  customer: { userId: 'ana', name: 'Ana Lima' },
  driver: { userId: 'dario', name: 'Dario Costa' },
  assignment: 1,
  masking: 'open',
  closedReason: null,
  virtualNumbers: { customer: CUSTOMER_NUMBER, driver: DRIVER_NUMBER },
  placedAt: '2026-01-01T10:00:00.000Z',
  endedAt: null,
};
const completed: OrderView = {
  ...order,
  status: 'completed',
  masking: 'closed',
  virtualNumbers: { customer: null, driver: null },
};

const call: HandsetCall = {
  callId: 'call_1',
  direction: 'outgoing',
  shownNumber: DRIVER_NUMBER,
  contact: { name: 'Dario Costa', role: 'driver', orderId: 'ord_1', label: '#1001' },
  state: 'ringing',
  heard: null,
  startedAt: '2026-01-01T10:01:00.000Z',
  answeredAt: null,
  endedAt: null,
};

function stepAt(changed: OrderView | null, ...calls: HandsetCall[]) {
  const profile = { userId: 'ana', role: 'customer', name: 'Ana Lima', realNumber: '+1••••••0141' } as const;
  const customerPhone: HandsetView = { profile, calls, messages: [] };
  return guideStep({ order: changed, customerName: 'Ana Lima', driverName: 'Dario Costa', customerPhone });
}

describe('the guide', () => {
  it('begins with an order', () => {
    expect(stepAt(null)).toMatchObject({
      step: 0,
      action: { kind: 'place' },
      button: 'Place an order for Ana',
    });
  });

  it('assigns a driver next, and waits while the numbers are on their way', () => {
    const placed: OrderView = { ...order, status: 'placed', driver: null, masking: 'none' };
    expect(stepAt(placed)).toMatchObject({ step: 1, action: { kind: 'assign' }, button: 'Assign Dario' });
    const pending: OrderView = {
      ...order,
      masking: 'pending',
      virtualNumbers: { customer: null, driver: null },
    };
    expect(stepAt(pending)).toMatchObject({ step: 1, action: null });
  });

  it('calls the driver’s virtual number from the customer’s phone', () => {
    expect(stepAt(order)).toMatchObject({
      step: 2,
      action: { kind: 'call', userId: 'ana', to: DRIVER_NUMBER },
      button: 'Call Dario as Ana',
    });
  });

  it('answers where it rings, and says what that phone shows', () => {
    const outgoing = stepAt(order, call);
    expect(outgoing).toMatchObject({
      step: 3,
      action: { kind: 'answer', userId: 'dario', callId: 'call_1' },
    });
    expect(outgoing.sentence).toContain('+1 347 555 0100');
    const incoming = stepAt(order, { ...call, direction: 'incoming', shownNumber: CUSTOMER_NUMBER });
    expect(incoming).toMatchObject({ step: 3, action: { kind: 'answer', userId: 'ana' } });
    expect(incoming.sentence).toContain('+1 347 555 0101');
  });

  it('hangs up, then completes the order', () => {
    const answered: HandsetCall = { ...call, state: 'answered', answeredAt: call.startedAt };
    expect(stepAt(order, answered)).toMatchObject({ step: 4, action: { kind: 'hang_up', userId: 'dario' } });
    const ended: HandsetCall = { ...answered, state: 'ended', endedAt: call.startedAt };
    expect(stepAt(order, ended)).toMatchObject({ step: 4, action: { kind: 'complete', orderId: 'ord_1' } });
  });

  it('does not take a call about another order for one of this', () => {
    const other = { ...call, contact: { ...call.contact, orderId: 'ord_2' } } as HandsetCall;
    expect(stepAt(order, other)).toMatchObject({ step: 2, action: { kind: 'call' } });
  });

  it('redials from the call log when the order is over, and ends when that was refused', () => {
    const ended: HandsetCall = { ...call, contact: null, state: 'ended', endedAt: call.startedAt };
    expect(stepAt(completed, ended)).toMatchObject({
      step: 5,
      action: { kind: 'call', userId: 'ana', to: DRIVER_NUMBER },
    });
    const refused: HandsetCall = { ...ended, callId: 'call_2', state: 'refused', heard: 'Goodbye.' };
    expect(stepAt(completed, refused, ended)).toMatchObject({
      step: GUIDE_TITLES.length,
      action: { kind: 'place' },
    });
  });

  it('begins again after an order without a call, and after a cancelled one', () => {
    const before = { ...call, startedAt: '2026-01-01T09:00:00.000Z' };
    expect(stepAt(completed, before)).toMatchObject({ step: 0, action: { kind: 'place' } });
    expect(stepAt({ ...completed, status: 'cancelled' })).toMatchObject({
      step: 0,
      action: { kind: 'place' },
    });
  });

  it('waits while a completed order’s numbers still connect', () => {
    expect(stepAt({ ...order, status: 'completed' })).toMatchObject({ action: null });
  });
});
