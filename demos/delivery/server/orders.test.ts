import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  AppOrderView,
  AppView,
  OrderListView,
  PlacedOrderView,
  ProblemView,
  ProfileView,
} from './api-types.ts';
import { type ApiAnswer, callApi } from './testing/call-api.ts';
import { FAKE_PROFILE_TOKEN, type FakeCompany, startFakeCompany } from './testing/start-fake-company.ts';

let company: FakeCompany;
beforeEach(async () => {
  company = await startFakeCompany();
});
afterEach(() => company.stop());

const get = <T>(path: string, headers?: Record<string, string>) =>
  callApi<T>(company.delivery.url, 'GET', path, undefined, headers);
const post = <T>(path: string, body?: unknown, headers?: Record<string, string>) =>
  callApi<T>(company.delivery.url, 'POST', path, body, headers);

async function placeOrder(customerId = 'ana'): Promise<string> {
  const { status, body } = await post<PlacedOrderView>('/api/orders', { customerId });
  expect(status).toBe(201);
  return body.orderId;
}

function expectProblem(answer: ApiAnswer<unknown>, status: number, code: string): void {
  expect(answer.contentType).toContain('application/problem+json');
  expect(answer.body as ProblemView).toMatchObject({ status, code });
  expect(answer.status).toBe(status);
}

const orderEvents = () =>
  company.bus.events<{ id: string; type: string; source: string; specversion: string; data: object }>(
    'orders',
  );

async function eventTypes(count: number): Promise<string[]> {
  await expect.poll(() => orderEvents().length).toBe(count);
  return orderEvents().map(({ type }) => type);
}

describe('profiles', () => {
  const lena = { userId: 'lena', role: 'customer', name: ' Lena ', realNumber: '+1 (202) 555-0123' };

  it('takes a real number and gives back its masked form only', async () => {
    const saved = await post<ProfileView>('/api/profiles', lena);
    expect(saved.status).toBe(201);
    expect(saved.body).toEqual({
      userId: 'lena',
      role: 'customer',
      name: 'Lena',
      realNumber: '+1••••••0123',
    });
    const list = await get<{ data: ProfileView[] }>('/api/profiles');
    expect(list.body.data.find(({ userId }) => userId === 'lena')).toEqual(saved.body);
  });

  it('has people to start with, and shows no real number of any of them', async () => {
    const { body } = await get<{ data: ProfileView[] }>('/api/profiles');
    expect(body.data.filter(({ role }) => role === 'customer').length).toBeGreaterThanOrEqual(3);
    expect(body.data.filter(({ role }) => role === 'driver').length).toBeGreaterThanOrEqual(3);
    expect(JSON.stringify(body)).not.toMatch(/\d{7}/);
  });

  it('changes a profile that it knows, but not into another role', async () => {
    await post('/api/profiles', lena);
    const changed = await post<ProfileView>('/api/profiles', { ...lena, realNumber: '+442071838750' });
    expect(changed.status).toBe(200);
    expect(changed.body.realNumber).toBe('+44••••••8750');
    expectProblem(await post('/api/profiles', { ...lena, role: 'driver' }), 409, 'DELIVERY_ROLE_CONFLICT');
  });

  it.each(['12025550123', '+99912', '+1800FLOWERS', 'not a number', '+12025550123 ext. 5'])(
    'refuses %s as a real number, without repeating it',
    async (realNumber) => {
      const answer = await post('/api/profiles', { ...lena, realNumber });
      expectProblem(answer, 422, 'DELIVERY_INVALID_NUMBER');
      expect(JSON.stringify(answer.body)).not.toContain(realNumber);
    },
  );

  it.each([
    ['a missing field', { userId: 'x', role: 'customer', name: 'X' }],
    ['an unknown field', { ...lena, admin: true }],
    ['an unknown role', { ...lena, role: 'merchant' }],
    ['a user id that is no name', { ...lena, userId: '../etc' }],
    ['an empty name', { ...lena, name: '   ' }],
    ['a number as text', { ...lena, name: 12 }],
  ])('refuses %s', async (_what, body) => {
    expectProblem(await post('/api/profiles', body), 400, 'DELIVERY_INVALID_REQUEST');
  });
});

describe('the Profile directory', () => {
  const bearer = { authorization: `Bearer ${FAKE_PROFILE_TOKEN}` };

  it('tells the real number to the bearer of the token', async () => {
    const { status, body } = await get('/profiles/ana', bearer);
    expect(status).toBe(200);
    expect(body).toEqual({ userId: 'ana', realNumber: '+12125550141' });
  });

  it.each([
    ['nobody', {}],
    ['another token', { authorization: 'Bearer other' }],
    ['another scheme', { authorization: `Basic ${FAKE_PROFILE_TOKEN}` }],
    ['a token and more', { authorization: `Bearer ${FAKE_PROFILE_TOKEN} more` }],
  ])('tells %s nothing, known user or not', async (_who, headers: Record<string, string>) => {
    expectProblem(await get('/profiles/ana', headers), 401, 'DELIVERY_UNAUTHENTICATED');
    expectProblem(await get('/profiles/nobody', headers), 401, 'DELIVERY_UNAUTHENTICATED');
  });

  it('does not know a stranger', async () => {
    expectProblem(await get('/profiles/nobody', bearer), 404, 'DELIVERY_NOT_FOUND');
  });

  it('refuses to start with an empty token', async () => {
    await expect(startFakeCompany({ profileToken: '' })).rejects.toThrow(/profile token is empty/);
  });
});

describe('orders', () => {
  it('announces a placed order with its pool and customer', async () => {
    const orderId = await placeOrder();
    expect(await eventTypes(1)).toEqual(['order.placed']);
    const [event] = orderEvents();
    expect(event).toMatchObject({ specversion: '1.0', source: '/delivery/orders' });
    expect(event?.data).toEqual({ orderId, pool: 'city', customerId: 'ana' });
    expect(company.bus.keys('orders')).toEqual([orderId]);
  });

  it('assigns a driver and shows each app the other party, by name and virtual number', async () => {
    const orderId = await placeOrder();
    const before = await get<AppOrderView>(`/api/orders/${orderId}?as=customer`);
    expect(before.body).toMatchObject({ status: 'placed', masking: 'none' });
    expect(before.body.contact).toEqual({ role: 'driver', name: null, virtualNumber: null });

    const assigned = await post(`/api/orders/${orderId}/assign`, { driverId: 'dario' });
    expect(assigned.body).toEqual({ orderId, status: 'assigned', assignment: 1 });
    await eventTypes(2);
    expect(orderEvents()[1]?.data).toEqual({
      orderId,
      pool: 'city',
      assignment: 1,
      participants: [
        { role: 'customer', userId: 'ana' },
        { role: 'driver', userId: 'dario' },
      ],
    });

    await expect
      .poll(async () => (await get<AppOrderView>(`/api/orders/${orderId}?as=customer`)).body.masking)
      .toBe('open');
    const customer = await get<AppOrderView>(`/api/orders/${orderId}?as=customer`);
    const driver = await get<AppOrderView>(`/api/orders/${orderId}?as=driver`);
    const board = (await get<OrderListView>('/api/orders')).body.data[0];
    expect(customer.body.contact).toEqual({
      role: 'driver',
      name: 'Dario Costa',
      virtualNumber: board?.virtualNumbers.driver,
    });
    expect(driver.body.contact).toEqual({
      role: 'customer',
      name: 'Ana Lima',
      virtualNumber: board?.virtualNumbers.customer,
    });
    expect(board?.virtualNumbers.driver).not.toBe(board?.virtualNumbers.customer);
  });

  it('counts assignments up, and takes the same driver again as the same assignment', async () => {
    const orderId = await placeOrder();
    const assign = (driverId: string) => post(`/api/orders/${orderId}/assign`, { driverId });
    expect((await assign('dario')).body).toMatchObject({ assignment: 1 });
    expect((await assign('dario')).body).toMatchObject({ assignment: 1 });
    expect((await assign('mei')).body).toMatchObject({ assignment: 2 });
    expect((await assign('dario')).body).toMatchObject({ assignment: 3 });
    expect(await eventTypes(4)).toEqual([
      'order.placed',
      'order.driver_assigned',
      'order.driver_assigned',
      'order.driver_assigned',
    ]);
  });

  it('hides the numbers when the order is completed', async () => {
    const orderId = await placeOrder();
    await post(`/api/orders/${orderId}/assign`, { driverId: 'dario' });
    await post(`/api/orders/${orderId}/complete`);
    await expect
      .poll(async () => (await get<AppOrderView>(`/api/orders/${orderId}?as=customer`)).body)
      .toMatchObject({
        status: 'completed',
        masking: 'closed',
        contact: { name: 'Dario Costa', virtualNumber: null },
      });
  });

  it('ends an order once: the same again changes nothing, the other way is a conflict', async () => {
    const orderId = await placeOrder();
    expect((await post(`/api/orders/${orderId}/cancel`)).body).toMatchObject({ status: 'cancelled' });
    expect((await post(`/api/orders/${orderId}/cancel`, {})).status).toBe(200);
    expectProblem(await post(`/api/orders/${orderId}/complete`), 409, 'DELIVERY_ORDER_ENDED');
    const assign = await post(`/api/orders/${orderId}/assign`, { driverId: 'dario' });
    expectProblem(assign, 409, 'DELIVERY_ORDER_ENDED');
    expect(await eventTypes(2)).toEqual(['order.placed', 'order.cancelled']);
  });

  it('lists for each person the orders that are theirs, those under way first', async () => {
    const ended = await placeOrder('ana');
    await post(`/api/orders/${ended}/cancel`);
    const mine = await placeOrder('ana');
    await placeOrder('noah');
    await post(`/api/orders/${mine}/assign`, { driverId: 'mei' });
    const ana = await get<AppView>('/api/profiles/ana/orders');
    expect(ana.body.orders.map(({ orderId }) => orderId)).toEqual([mine, ended]);
    const mei = await get<AppView>('/api/profiles/mei/orders');
    expect(mei.body.orders.map(({ orderId }) => orderId)).toEqual([mine]);
    const dario = await get<AppView>('/api/profiles/dario/orders');
    expect(dario.body.orders).toEqual([]);
  });

  it.each([
    ['an unknown customer', { customerId: 'nobody' }, 422, 'DELIVERY_UNKNOWN_USER'],
    ['a driver as customer', { customerId: 'dario' }, 422, 'DELIVERY_WRONG_ROLE'],
    ['an unknown field', { customerId: 'ana', price: 3 }, 400, 'DELIVERY_INVALID_REQUEST'],
    ['nothing', {}, 400, 'DELIVERY_INVALID_REQUEST'],
    ['broken JSON', '{"customerId":', 400, 'DELIVERY_INVALID_REQUEST'],
    ['a huge body', { customerId: 'a'.repeat(20_000) }, 413, 'DELIVERY_BODY_TOO_LARGE'],
  ])('refuses %s', async (_what, body, status, code) => {
    expectProblem(await post('/api/orders', body), status, code);
    expect(orderEvents()).toEqual([]);
  });

  it('refuses what is not JSON, and what another site sends', async () => {
    const text = await post('/api/orders', 'x', { 'content-type': 'text/plain' });
    expectProblem(text, 415, 'DELIVERY_UNSUPPORTED_MEDIA_TYPE');
    const other = await post('/api/orders', { customerId: 'ana' }, { 'sec-fetch-site': 'cross-site' });
    expectProblem(other, 403, 'DELIVERY_CROSS_SITE');
  });

  it('refuses drivers that it does not know and orders that are not there', async () => {
    const orderId = await placeOrder();
    const path = `/api/orders/${orderId}`;
    expectProblem(await post(`${path}/assign`, { driverId: 'x' }), 422, 'DELIVERY_UNKNOWN_USER');
    expectProblem(await post(`${path}/assign`, { driverId: 'ana' }), 422, 'DELIVERY_WRONG_ROLE');
    expectProblem(await post('/api/orders/x/assign', { driverId: 'mei' }), 404, 'DELIVERY_NOT_FOUND');
    expectProblem(await post('/api/orders/x/complete'), 404, 'DELIVERY_NOT_FOUND');
    expectProblem(await get('/api/orders/x?as=customer'), 404, 'DELIVERY_NOT_FOUND');
    expectProblem(await get(path), 400, 'DELIVERY_INVALID_REQUEST');
    expectProblem(await get(`${path}?as=dispatcher`), 400, 'DELIVERY_INVALID_REQUEST');
    expectProblem(await get('/api/profiles/nobody/orders'), 404, 'DELIVERY_NOT_FOUND');
    expectProblem(await get('/api/nothing'), 404, 'DELIVERY_NOT_FOUND');
  });

  it('takes an empty body that is announced as JSON', async () => {
    const orderId = await placeOrder();
    const headers = { 'content-type': 'application/json' };
    expect((await post(`/api/orders/${orderId}/complete`, '', headers)).status).toBe(200);
  });
});
