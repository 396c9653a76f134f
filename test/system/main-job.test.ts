import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeliveryCompany, type Person } from './delivery-company.ts';
import { Product, until } from './product.ts';

const NEUTRAL = 'The number you have dialled cannot be connected. Goodbye.';
const ENDED = 'This order has ended, so the other person can no longer be reached on this number. Goodbye.';

let product: Product;
let company: DeliveryCompany;

beforeAll(async () => {
  product = await Product.start();
  company = new DeliveryCompany(product);
});
afterAll(() => product.destroy());

async function dial(from: Person, to: string) {
  const { body } = await product.simulator('POST', '/calls', { from: from.realNumber, to });
  return body as {
    callId: string;
    state: string;
    heard: string | null;
    bLeg: { to: string; callerId: string } | null;
  };
}

async function text(from: Person, to: string, words: string) {
  const { body } = await product.simulator('POST', '/messages', { from: from.realNumber, to, body: words });
  return body as { state: string; delivered: { to: string; from: string; body: string } | null };
}

async function reasons(orderId: string): Promise<string[]> {
  const { body } = await product.maskline('GET', `/v1/calls?reference=${orderId}`);
  return body.data.map((call: { reason: string }) => call.reason);
}

describe('a delivery, seen from outside', () => {
  it('has bought numbers before anybody asked', async () => {
    const { body } = await product.maskline('GET', '/v1/pools/default');
    expect(body.stockNow.idle).toBeGreaterThanOrEqual(body.stock.lowWater);
  });

  it('connects both ways, shows virtual numbers only, and records the talk', async () => {
    const [customer, driver] = [await company.hire('customer'), await company.hire('driver')];
    const { orderId, aaa, ddd } = await company.delivering(customer, driver);
    expect(aaa).not.toBe(ddd);

    const call = await dial(customer, ddd);
    expect(call).toMatchObject({ state: 'ringing', bLeg: { to: driver.realNumber, callerId: aaa } });
    await product.simulator('POST', `/calls/${call.callId}/answer`);
    await product.simulator('POST', `/calls/${call.callId}/hangup`);
    await until('one ended call record', async () => {
      const { body } = await product.maskline('GET', `/v1/calls?reference=${orderId}`);
      return body.data.length === 1 && body.data[0].state === 'ended';
    });
    const { body } = await product.maskline('GET', `/v1/calls?reference=${orderId}`);
    const seen = (await product.simulator('GET', `/calls/${call.callId}`)).body;
    expect(body.data[0]).toMatchObject({
      decision: 'bridge',
      reason: 'ok',
      callingRole: 'customer',
      calledRole: 'driver',
      virtualNumber: ddd,
      callerId: aaa,
      termination: 'completed',
      durationSeconds: seen.durationSeconds,
    });

    const back = await dial(driver, aaa);
    expect(back).toMatchObject({ state: 'ringing', bLeg: { to: customer.realNumber, callerId: ddd } });
    expect(await text(customer, ddd, 'I am downstairs')).toMatchObject({
      state: 'delivered',
      delivered: { to: driver.realNumber, from: aaa, body: 'I am downstairs' },
    });
    expect((await text(driver, aaa, 'Coming')).delivered).toMatchObject({
      to: customer.realNumber,
      from: ddd,
    });
  });

  it('refuses strangers, one’s own number and idle numbers with one neutral sentence', async () => {
    const [customer, driver, stranger] = [
      await company.hire('customer'),
      await company.hire('driver'),
      await company.hire('customer'),
    ];
    const { aaa, ddd } = await company.delivering(customer, driver);
    const idle = (await product.maskline('GET', '/v1/virtual-numbers?pool=default&limit=200')).body.data
      .map((row: { virtualNumber: string }) => row.virtualNumber)
      .at(-1);
    for (const [who, number] of [
      [stranger, aaa],
      [stranger, ddd],
      [customer, aaa],
      [driver, ddd],
      [customer, idle],
    ] as const) {
      expect(await dial(who, number)).toMatchObject({ state: 'refused', heard: NEUTRAL, bLeg: null });
      expect((await text(who, number, 'hello')).delivered).toBeNull();
    }
  });

  it.each(['complete', 'cancel'] as const)(
    'falls silent after %s, and tells those who took part',
    async (end) => {
      const [customer, driver, stranger] = [
        await company.hire('customer'),
        await company.hire('driver'),
        await company.hire('driver'),
      ];
      const { orderId, aaa, ddd } = await company.delivering(customer, driver);
      await company[end](orderId);
      await company.gone(orderId);
      expect(await dial(customer, ddd)).toMatchObject({ state: 'refused', heard: ENDED, bLeg: null });
      expect(await dial(driver, aaa)).toMatchObject({ state: 'refused', heard: ENDED, bLeg: null });
      expect(await dial(stranger, ddd)).toMatchObject({ state: 'refused', heard: NEUTRAL, bLeg: null });
      expect(await reasons(orderId)).toEqual(['session_ended', 'session_ended']);
    },
  );

  it('keeps a driver’s three orders and a customer’s two apart', async () => {
    const driver = await company.hire('driver');
    const customers = [await company.hire('customer'), await company.hire('customer')] as const;
    const orders = [
      { customer: customers[0], ...(await company.delivering(customers[0], driver)) },
      { customer: customers[0], ...(await company.delivering(customers[0], driver)) },
      { customer: customers[1], ...(await company.delivering(customers[1], driver)) },
    ];
    expect(new Set(orders.map((order) => order.aaa)).size).toBe(3);
    expect(orders[0]?.ddd).not.toBe(orders[1]?.ddd);
    for (const { customer, aaa, ddd } of orders) {
      expect((await dial(driver, aaa)).bLeg).toEqual({ to: customer.realNumber, callerId: ddd });
      expect((await dial(customer, ddd)).bLeg).toEqual({ to: driver.realNumber, callerId: aaa });
    }
  });

  it('gives the customer a fresh number for another driver, and refuses the first one', async () => {
    const [customer, first, second] = [
      await company.hire('customer'),
      await company.hire('driver'),
      await company.hire('driver'),
    ];
    const { orderId, ...before } = await company.delivering(customer, first);
    await company.assign(orderId, second);
    const after = await company.contacts(orderId, before);
    expect(await dial(first, before.aaa)).toMatchObject({ state: 'refused', heard: ENDED });
    expect(await dial(customer, before.ddd)).toMatchObject({ state: 'refused', heard: ENDED });
    expect((await dial(customer, after.ddd)).bLeg).toEqual({ to: second.realNumber, callerId: after.aaa });
    expect((await dial(second, after.aaa)).bLeg).toEqual({ to: customer.realNumber, callerId: after.ddd });
  });
});
