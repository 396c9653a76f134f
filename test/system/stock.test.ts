import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeliveryCompany } from './delivery-company.ts';
import { type Answer, Product, until } from './product.ts';

let product: Product;
beforeAll(async () => {
  product = await Product.start();
});
afterAll(() => product.destroy());

async function stockNow(pool: string) {
  return (await product.maskline('GET', `/v1/pools/${pool}`)).body.stockNow;
}

async function all(part: 'maskline' | 'simulator', path: string): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | null = null;
  do {
    const { body }: Answer = await product[part](
      'GET',
      `${path}${path.includes('?') ? '&' : '?'}limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
    );
    found.push(...body.data.map((row: { virtualNumber: string }) => row.virtualNumber));
    cursor = body.nextCursor;
  } while (cursor);
  return found.sort();
}

describe('stock', () => {
  it('is bought up to the target, and everything that was paid for is in the store although answers were lost', async () => {
    await product.simulator('PUT', '/faults', { loseSellAnswers: 0.4 });
    const stock = { providerAccount: 'simulator', lowWater: 10, target: 30, max: 40 };
    const { status } = await product.maskline('POST', '/v1/pools', {
      name: 'lossy',
      mode: 'dedicated',
      countries: ['GB'],
      stock,
    });
    expect(status).toBe(201);
    await until('the target', async () => (await stockNow('lossy')).inService >= stock.lowWater, 30_000);
    await product.simulator('PUT', '/faults', {});
    await until(
      'nothing bought that is not known',
      async () => {
        const [held, known] = [
          await all('simulator', '/numbers'),
          await all('maskline', '/v1/virtual-numbers'),
        ];
        return JSON.stringify(held) === JSON.stringify(known);
      },
      30_000,
    );
    expect((await stockNow('lossy')).inService).toBeLessThanOrEqual(stock.max);
  });

  it('never exceeds its maximum; who finds nothing waits, is reported, and is served when a number comes', async () => {
    const stock = { providerAccount: 'simulator', lowWater: 0, target: 0, max: 2 };
    await product.maskline('POST', '/v1/pools', { name: 'tiny', countries: ['FR'], stock });
    const people = (n: number) => [
      { role: 'customer', realNumber: `+447700900${900 + n}` },
      { role: 'driver', realNumber: `+447700900${950 + n}` },
    ];
    const first = await product.maskline('POST', '/v1/sessions', {
      pool: 'tiny',
      reference: 'tiny-1',
      participants: people(1),
    });
    const second = await product.maskline('POST', '/v1/sessions', {
      pool: 'tiny',
      reference: 'tiny-2',
      participants: people(2),
    });
    const state = async (reference: string) =>
      (await product.maskline('GET', `/v1/sessions?reference=${reference}`)).body.data[0].state;
    expect([201, 202]).toContain(first.status);
    expect(second).toMatchObject({ status: 202, body: { state: 'pending' } });
    await until(
      'one of the two served by what was bought for it',
      async () => [await state('tiny-1'), await state('tiny-2')].sort().join() === 'open,pending',
    );
    expect((await stockNow('tiny')).inService).toBe(2);
    // More may be bought now: the one that waits is served without being asked again.
    await product.maskline('PATCH', '/v1/pools/tiny', { stock: { ...stock, max: 4 } });
    await until(
      'the other served',
      async () => (await state('tiny-1')) === 'open' && (await state('tiny-2')) === 'open',
    );
    expect((await product.maskline('GET', '/metrics')).body).toMatch(
      /maskline_sessions_pending_total\{pool="tiny"\} [12]/,
    );
  });

  it('grows ahead of the orders that were placed', async () => {
    const company = new DeliveryCompany(product);
    const before = await stockNow('default');
    const customer = await company.hire('customer');
    for (let i = 0; i < 15; i++) await company.place(customer);
    await until(
      'more numbers than before',
      async () => (await stockNow('default')).inService > before.inService,
    );
  });
});
