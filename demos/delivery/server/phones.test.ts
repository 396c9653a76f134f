import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppOrderView, CallRecordListView, HandsetView, ProblemView, StockView } from './api-types.ts';
import { type ApiAnswer, callApi } from './testing/call-api.ts';
import { openEventStream } from './testing/open-event-stream.ts';
import { type FakeCompany, startFakeCompany } from './testing/start-fake-company.ts';

let company: FakeCompany;
let orderId: string;
/** what the customer dials, and what the driver dials */
let driverNumber: string;
let customerNumber: string;

beforeEach(async () => {
  company = await startFakeCompany();
  orderId = (await post<{ orderId: string }>('/api/orders', { customerId: 'ana' })).body.orderId;
  await post(`/api/orders/${orderId}/assign`, { driverId: 'dario' });
  driverNumber = await numberShownTo('customer');
  customerNumber = await numberShownTo('driver');
});
afterEach(() => company.stop());

const get = <T>(path: string) => callApi<T>(company.delivery.url, 'GET', path);
const post = <T = unknown>(path: string, body?: unknown) =>
  callApi<T>(company.delivery.url, 'POST', path, body);
const handset = async (userId: string) => (await get<HandsetView>(`/api/phones/${userId}`)).body;
const dial = (userId: string, to: string) =>
  post<{ callId: string; state: string; heard: string | null }>(`/api/phones/${userId}/calls`, { to });

async function numberShownTo(as: 'customer' | 'driver'): Promise<string> {
  const number = async () =>
    (await get<AppOrderView>(`/api/orders/${orderId}?as=${as}`)).body.contact.virtualNumber;
  await expect.poll(number).not.toBeNull();
  return (await number()) ?? '';
}

function expectProblem(answer: ApiAnswer<unknown>, status: number, code: string): void {
  expect(answer.body as ProblemView).toMatchObject({ status, code });
  expect(answer.status).toBe(status);
}

describe('a call between two handsets', () => {
  it('rings with the number that stands for the caller, under the name that the app knows', async () => {
    const dialled = await dial('ana', driverNumber);
    expect(dialled.status).toBe(201);
    expect(dialled.body).toMatchObject({ state: 'ringing', heard: null });
    expect((await handset('dario')).calls[0]).toMatchObject({
      callId: dialled.body.callId,
      direction: 'incoming',
      shownNumber: customerNumber,
      contact: { name: 'Ana Lima', role: 'customer', orderId, label: '#1001' },
      state: 'ringing',
    });
    expect((await handset('ana')).calls[0]).toMatchObject({
      direction: 'outgoing',
      shownNumber: driverNumber,
      contact: { name: 'Dario Costa', role: 'driver' },
    });
  });

  it('is answered and ended, and both handsets and the call records say so', async () => {
    const { callId } = (await dial('dario', customerNumber)).body;
    expect((await post(`/api/phones/ana/calls/${callId}/answer`)).status).toBe(204);
    expect((await handset('dario')).calls[0]).toMatchObject({ state: 'answered' });
    expect((await post(`/api/phones/dario/calls/${callId}/hangup`)).status).toBe(204);
    expect((await handset('ana')).calls[0]).toMatchObject({ state: 'ended' });
    const { body } = await get<CallRecordListView>(`/api/orders/${orderId}/calls`);
    expect(body.data).toEqual([
      expect.objectContaining({
        callingRole: 'driver',
        calledRole: 'customer',
        virtualNumber: customerNumber,
        callerId: driverNumber,
        state: 'ended',
      }),
    ]);
  });

  it('can be acted on by its own two phones only, and answered by the one that rings', async () => {
    const { callId } = (await dial('ana', driverNumber)).body;
    expectProblem(await post(`/api/phones/mei/calls/${callId}/answer`), 404, 'DELIVERY_NOT_FOUND');
    expectProblem(await post(`/api/phones/mei/calls/${callId}/hangup`), 404, 'DELIVERY_NOT_FOUND');
    expectProblem(await post(`/api/phones/ana/calls/${callId}/answer`), 409, 'DELIVERY_CALL_ENDED');
    expect((await post(`/api/phones/dario/calls/${callId}/hangup`)).status).toBe(204);
    expectProblem(await post(`/api/phones/dario/calls/${callId}/answer`), 409, 'DELIVERY_CALL_ENDED');
  });

  it('is refused to a stranger, who hears why in a sentence that says nothing', async () => {
    const dialled = await dial('noah', driverNumber);
    expect(dialled.body).toMatchObject({
      state: 'refused',
      heard: 'The number you have dialled cannot be connected. Goodbye.',
    });
    expect((await handset('noah')).calls[0]).toMatchObject({ state: 'refused', contact: null });
    expect((await handset('dario')).calls).toEqual([]);
  });

  it('loses the name with the order', async () => {
    await dial('ana', driverNumber);
    await post(`/api/orders/${orderId}/cancel`);
    await expect.poll(async () => (await handset('ana')).calls[0]?.contact).toBeNull();
    expect((await handset('ana')).calls[0]?.shownNumber).toBe(driverNumber);
  });

  it('shows no real number, not even of a phone that was dialled directly', async () => {
    const [ana, dario] = ['+12125550141', '+16465550118'];
    await dial('ana', dario);
    await dial('ana', driverNumber);
    await post('/api/phones/ana/messages', { to: driverNumber, body: 'Third floor, please' });
    const answers = [
      await handset('ana'),
      await handset('dario'),
      (await get('/api/orders')).body,
      (await get('/api/activity')).body,
      (await get('/api/profiles/ana/orders')).body,
      (await get(`/api/orders/${orderId}/calls`)).body,
    ];
    const text = JSON.stringify(answers);
    expect(text).toContain(driverNumber);
    for (const realNumber of [ana, dario]) expect(text).not.toContain(realNumber);
  });
});

describe('texts', () => {
  it('arrive from the number that stands for the sender', async () => {
    const sent = await post('/api/phones/dario/messages', { to: customerNumber, body: 'I am outside' });
    expect(sent.status).toBe(201);
    expect((await handset('ana')).messages).toEqual([
      expect.objectContaining({
        direction: 'incoming',
        shownNumber: driverNumber,
        contact: expect.objectContaining({ name: 'Dario Costa' }),
        body: 'I am outside',
      }),
    ]);
    expect((await handset('dario')).messages[0]).toMatchObject({ direction: 'outgoing', delivered: true });
  });

  it('say when they were not delivered', async () => {
    await post('/api/phones/noah/messages', { to: customerNumber, body: 'Hello?' });
    expect((await handset('noah')).messages[0]).toMatchObject({ delivered: false });
    expect((await handset('ana')).messages).toEqual([]);
  });

  it.each([
    ['an empty text', { to: '+13475550100', body: ' ' }],
    ['a text without end', { to: '+13475550100', body: 'a'.repeat(1_531) }],
    ['a number that is none', { to: 'ana', body: 'Hello' }],
    ['an unknown field', { to: '+13475550100', body: 'Hello', from: '+12125550141' }],
  ])('refuse %s', async (_what, body) => {
    expectProblem(await post('/api/phones/ana/messages', body), 400, 'DELIVERY_INVALID_REQUEST');
  });
});

describe('a handset', () => {
  it('of nobody is not there', async () => {
    expectProblem(await get('/api/phones/nobody'), 404, 'DELIVERY_NOT_FOUND');
    expectProblem(await dial('nobody', driverNumber), 404, 'DELIVERY_NOT_FOUND');
  });

  it('says plainly when the phone network is away', async () => {
    company.network.isAway = true;
    expectProblem(await get('/api/phones/ana'), 503, 'DELIVERY_PHONE_NETWORK_UNAVAILABLE');
    expectProblem(await dial('ana', driverNumber), 503, 'DELIVERY_PHONE_NETWORK_UNAVAILABLE');
  });

  it('rings in a stream that follows it, and in no other', async () => {
    const both = await openEventStream(company.delivery.url, '/api/events?phones=ana,dario');
    const dario = await openEventStream(company.delivery.url, '/api/phones/dario/events');
    const mei = await openEventStream(company.delivery.url, '/api/phones/mei/events');
    const phonesIn = (stream: typeof both) =>
      new Set(stream.notices.filter(({ subject }) => subject === 'phone').map(({ id }) => id));
    // Following a phone begins with a notice, so that nothing is missed in between.
    await expect.poll(() => phonesIn(mei)).toEqual(new Set(['mei']));
    await expect.poll(() => phonesIn(both)).toEqual(new Set(['ana', 'dario']));
    await expect.poll(() => phonesIn(dario)).toEqual(new Set(['dario']));
    for (const stream of [both, dario, mei]) stream.notices.length = 0;

    await dial('ana', driverNumber);
    await expect.poll(() => phonesIn(both)).toEqual(new Set(['ana', 'dario']));
    await expect.poll(() => phonesIn(dario)).toEqual(new Set(['dario']));
    expect(mei.notices).toEqual([]);
    for (const stream of [both, dario, mei]) stream.close();
  });
});

describe('what the dispatcher watches', () => {
  it('hears of every change', async () => {
    const stream = await openEventStream(company.delivery.url, '/api/events');
    const next = (await post<{ orderId: string }>('/api/orders', { customerId: 'noah' })).body.orderId;
    await expect.poll(() => stream.notices).toContainEqual({ subject: 'orders', id: next });
    await dial('ana', driverNumber);
    await expect.poll(() => stream.notices).toContainEqual({ subject: 'activity', id: orderId });
    expect(stream.notices.some(({ subject }) => subject === 'phone')).toBe(false);
    stream.close();
  });

  it('sees the stock of the pool, as Maskline tells it', async () => {
    const { status, body } = await get<StockView>('/api/stock');
    expect(status).toBe(200);
    expect(body).toEqual({
      pool: 'city',
      mode: 'dedicated',
      lowWater: 10,
      target: 20,
      max: 200,
      now: { inService: 40, idle: 38, allocated: 2, resting: 0 },
    });
  });

  it('is told when Maskline is away, and when it refuses our key', async () => {
    company.maskline.isAway = true;
    expectProblem(await get('/api/stock'), 503, 'DELIVERY_MASKLINE_UNAVAILABLE');
    expectProblem(await get(`/api/orders/${orderId}/calls`), 503, 'DELIVERY_MASKLINE_UNAVAILABLE');
    const other = await startFakeCompany({ masklineApiKey: 'wrong' });
    const answer = await callApi(other.delivery.url, 'GET', '/api/stock');
    await other.stop();
    expectProblem(answer, 503, 'DELIVERY_MASKLINE_UNAVAILABLE');
  });

  it('cannot follow more phones than a page shows, nor one that is not there', async () => {
    const many = ['ana', 'noah', 'priya', 'omar', 'dario', 'mei', 'sam'].join(',');
    expectProblem(await get(`/api/events?phones=${many}`), 400, 'DELIVERY_INVALID_REQUEST');
    expectProblem(await get('/api/events?phones=nobody'), 404, 'DELIVERY_NOT_FOUND');
  });
});
