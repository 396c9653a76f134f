import { Buffer } from 'node:buffer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ActivityListView, AppOrderView, OrderListView, OrderView } from './api-types.ts';
import { callApi } from './testing/call-api.ts';
import { type FakeCompany, startFakeCompany } from './testing/start-fake-company.ts';

// The fake Maskline follows another topic, so that these tests alone decide which events come, and when.
const TOPICS = { orders: 'orders-of-this-test', masking: 'masking' } as const;

let company: FakeCompany;
let orderId: string;

beforeEach(async () => {
  company = await startFakeCompany({ topics: TOPICS });
  const placed = await callApi<{ orderId: string }>(company.delivery.url, 'POST', '/api/orders', {
    customerId: 'ana',
  });
  orderId = placed.body.orderId;
  await assign('dario');
});
afterEach(() => company.stop());

const get = async <T>(path: string): Promise<T> => (await callApi<T>(company.delivery.url, 'GET', path)).body;
const assign = (driverId: string) =>
  callApi(company.delivery.url, 'POST', `/api/orders/${orderId}/assign`, { driverId });

interface SessionFields {
  readonly reference?: string;
  readonly assignment?: number;
  readonly customerNumber?: string | null;
  readonly driverNumber?: string | null;
  readonly reason?: string;
  readonly id?: string;
  readonly at?: number;
}

function announceSession(state: 'opened' | 'pending' | 'closed', fields: SessionFields = {}): Promise<void> {
  const { reference = orderId, assignment = 1, reason, id, at } = fields;
  const { customerNumber = '+13475550100', driverNumber = '+13475550101' } = fields;
  const data = {
    sessionId: `ses_${assignment}`,
    reference,
    assignment,
    pool: 'city',
    expiresAt: '2026-01-01T04:00:00.000Z',
    participants: [
      { role: 'customer', userId: 'ana', virtualNumber: customerNumber },
      { role: 'driver', userId: 'dario', virtualNumber: driverNumber },
    ],
    ...(reason === undefined ? {} : { reason }),
  };
  return company.maskline.announce(`session.${state}`, reference, data, id, at);
}

async function order(): Promise<OrderView> {
  const { data } = await get<OrderListView>('/api/orders');
  const found = data.find((each) => each.orderId === orderId);
  if (!found) throw new Error('The order is not on the board.');
  return found;
}

/** Events of one key are handled in order: when this one is in the feed, everything before it was handled. */
async function everythingHandled(): Promise<void> {
  const marker = `+1${Math.floor(Math.random() * 1e9)}`;
  await company.maskline.announce('call.refused', orderId, { reference: null, virtualNumber: marker });
  await expect
    .poll(async () => (await get<ActivityListView>('/api/activity')).data[0]?.virtualNumber)
    .toBe(marker);
}

describe('sessions', () => {
  it('are pending until Maskline has opened them, then show the numbers, then hide them', async () => {
    expect(await order()).toMatchObject({
      masking: 'pending',
      virtualNumbers: { customer: null, driver: null },
    });
    await announceSession('pending', { customerNumber: null, driverNumber: null });
    await everythingHandled();
    expect(await order()).toMatchObject({
      masking: 'pending',
      virtualNumbers: { customer: null, driver: null },
    });
    await announceSession('opened');
    await everythingHandled();
    expect(await order()).toMatchObject({
      masking: 'open',
      virtualNumbers: { customer: '+13475550100', driver: '+13475550101' },
    });
    await announceSession('closed', { reason: 'expired' });
    await everythingHandled();
    expect(await order()).toMatchObject({
      masking: 'closed',
      closedReason: 'expired',
      virtualNumbers: { customer: null, driver: null },
    });
  });

  it('wait again when a number was withdrawn, and open with others', async () => {
    const now = Date.now();
    await announceSession('opened', { at: now });
    await announceSession('pending', { customerNumber: null, driverNumber: null, at: now + 1 });
    await everythingHandled();
    const waiting = await order();
    expect(waiting).toMatchObject({ masking: 'pending' });
    expect(JSON.stringify(waiting)).not.toContain('+1347555');
    await announceSession('opened', { driverNumber: '+13475550177', at: now + 2 });
    await everythingHandled();
    expect(await order()).toMatchObject({ masking: 'open', virtualNumbers: { driver: '+13475550177' } });
  });

  it('do not open again once closed, nor fall back to pending by what comes late', async () => {
    const now = Date.now();
    await announceSession('opened', { at: now });
    await announceSession('pending', { customerNumber: null, driverNumber: null, at: now - 1 });
    await everythingHandled();
    expect(await order()).toMatchObject({ masking: 'open', virtualNumbers: { driver: '+13475550101' } });
    await announceSession('closed', { reason: 'cancelled' });
    await announceSession('opened');
    await everythingHandled();
    expect(await order()).toMatchObject({ masking: 'closed', closedReason: 'cancelled' });
  });

  it('handle an event once, however often it comes', async () => {
    await announceSession('opened', { id: 'evt-1' });
    await announceSession('opened', { id: 'evt-1', driverNumber: '+13475550199' });
    await everythingHandled();
    expect(await order()).toMatchObject({ virtualNumbers: { driver: '+13475550101' } });
  });

  it('never show the numbers of an earlier assignment for the next one', async () => {
    await announceSession('opened');
    await everythingHandled();
    await assign('mei');
    expect(await order()).toMatchObject({
      assignment: 2,
      masking: 'pending',
      driver: { userId: 'mei' },
      virtualNumbers: { customer: null, driver: null },
    });
    const app = await get<AppOrderView>(`/api/orders/${orderId}?as=customer`);
    expect(app.contact).toEqual({ role: 'driver', name: 'Mei Tan', virtualNumber: null });

    await announceSession('closed', { assignment: 1, reason: 'reassigned' });
    await everythingHandled();
    expect(await order()).toMatchObject({ masking: 'pending', closedReason: null });

    await announceSession('opened', { assignment: 2, driverNumber: '+13475550107' });
    await announceSession('opened', { assignment: 1, id: 'late', driverNumber: '+13475550109' });
    await everythingHandled();
    expect(await order()).toMatchObject({ masking: 'open', virtualNumbers: { driver: '+13475550107' } });
  });

  it('hide the numbers of a cancelled order before Maskline says that the session is closed', async () => {
    await announceSession('opened');
    await everythingHandled();
    await callApi(company.delivery.url, 'POST', `/api/orders/${orderId}/cancel`);
    const app = await get<AppOrderView>(`/api/orders/${orderId}?as=driver`);
    expect(app).toMatchObject({ status: 'cancelled', contact: { virtualNumber: null } });
  });

  it('keep the numbers of a completed order while its session is open, for the grace of the pool', async () => {
    await announceSession('opened');
    await everythingHandled();
    await callApi(company.delivery.url, 'POST', `/api/orders/${orderId}/complete`);
    expect(await order()).toMatchObject({ status: 'completed', masking: 'open' });
    await announceSession('closed', { reason: 'completed' });
    await everythingHandled();
    expect(await order()).toMatchObject({ status: 'completed', masking: 'closed' });
  });

  it('change nothing for orders of others, unreadable data, unknown types and what is no event', async () => {
    await announceSession('opened', { reference: 'ord_of_another_company' });
    await company.maskline.announce('session.opened', orderId, { sessionId: 7 });
    await company.maskline.announce('session.teleported', orderId, { reference: orderId, assignment: 1 });
    await company.maskline.announce('call.ended', orderId, { durationSeconds: 'long' });
    const noEvents = ['', 'null', '[]', '{', '{"type":"session.opened"}', '"session.opened"'];
    await company.bus.publish(
      TOPICS.masking,
      noEvents.map((text) => ({ key: orderId, value: Buffer.from(text), headers: {} })),
    );
    await everythingHandled();
    expect(await order()).toMatchObject({ masking: 'pending' });
    expect((await get<ActivityListView>('/api/activity')).data).toHaveLength(1);
  });

  it('are read in binary mode as well', async () => {
    const data = {
      sessionId: 'ses_1',
      reference: orderId,
      assignment: 1,
      participants: [{ role: 'driver', userId: 'dario', virtualNumber: '+13475550105' }],
    };
    const headers = {
      ce_specversion: '1.0',
      ce_id: 'binary-1',
      ce_source: '/maskline',
      ce_type: 'session.opened',
      'content-type': 'application/json',
    };
    const value = Buffer.from(JSON.stringify(data));
    await company.bus.publish(TOPICS.masking, [{ key: orderId, value, headers }]);
    await everythingHandled();
    expect(await order()).toMatchObject({ virtualNumbers: { driver: '+13475550105', customer: null } });
  });
});

describe('the live feed', () => {
  it('tells calls and texts with the names of our people, newest first', async () => {
    const facts = { reference: orderId, virtualNumber: '+13475550101' };
    const call = { ...facts, callId: 'c1', callingRole: 'customer', calledRole: 'driver' };
    await company.maskline.announce('call.started', orderId, call);
    await company.maskline.announce('call.ended', orderId, {
      ...call,
      durationSeconds: 42,
      termination: 'completed',
    });
    await company.maskline.announce('message.relayed', orderId, {
      ...facts,
      messageId: 'm1',
      sendingRole: 'driver',
      receivingRole: 'customer',
    });
    await expect.poll(async () => (await get<ActivityListView>('/api/activity')).data.length).toBe(3);
    const { data } = await get<ActivityListView>('/api/activity');
    expect(data.map(({ type }) => type)).toEqual(['message.relayed', 'call.ended', 'call.started']);
    expect(data[1]).toMatchObject({
      orderId,
      label: '#1001',
      from: { role: 'customer', name: 'Ana Lima' },
      to: { role: 'driver', name: 'Dario Costa' },
      virtualNumber: '+13475550101',
      durationSeconds: 42,
    });
    expect(data[0]).toMatchObject({ from: { name: 'Dario Costa' }, to: { name: 'Ana Lima' } });
  });

  it('tells of a stranger no more than the number that was dialled', async () => {
    await company.maskline.announce('call.refused', '', {
      callId: 'c2',
      reference: null,
      callingRole: null,
      calledRole: null,
      virtualNumber: '+13475550101',
      reason: 'unknown_caller',
    });
    await expect
      .poll(async () => (await get<ActivityListView>('/api/activity')).data)
      .toEqual([
        expect.objectContaining({
          type: 'call.refused',
          orderId: null,
          from: null,
          to: null,
          reason: 'unknown_caller',
        }),
      ]);
  });
});
