import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeliveryCompany } from './delivery-company.ts';
import { Product } from './product.ts';

let product: Product;
beforeAll(async () => {
  product = await Product.start();
});
afterAll(() => product.destroy());

const customer = { role: 'customer', realNumber: '+447700900801' };
const driver = { role: 'driver', realNumber: '+447700900802' };
const session = (change: object): object => ({
  pool: 'default',
  reference: 'bad-input',
  participants: [customer, driver],
  ...change,
});

describe('bad input', () => {
  it.each([
    ['malformed JSON', '{"pool":', 400, 'MASK_INVALID_REQUEST'],
    ['an unknown field', session({ colour: 'red' }), 400, 'MASK_INVALID_REQUEST'],
    [
      'a number that is no number',
      session({ participants: [customer, { role: 'driver', realNumber: 'hello' }] }),
      422,
      'MASK_INVALID_NUMBER',
    ],
    [
      'a number of no country',
      session({ participants: [customer, { role: 'driver', realNumber: '+99999999999' }] }),
      422,
      'MASK_INVALID_NUMBER',
    ],
    ['one participant', session({ participants: [customer] }), 400, 'MASK_INVALID_REQUEST'],
    [
      'twelve participants',
      session({
        participants: Array.from({ length: 12 }, (_, i) => ({
          role: 'guest',
          realNumber: `+4477009007${10 + i}`,
        })),
      }),
      400,
      'MASK_INVALID_REQUEST',
    ],
    [
      'equal numbers on both sides',
      session({ participants: [customer, { ...customer, role: 'driver' }] }),
      422,
      'MASK_EQUAL_NUMBERS',
    ],
    ['a pool that is not there', session({ pool: 'nowhere' }), 422, 'MASK_UNKNOWN_POOL'],
    ['a body of 10 MB', session({ reference: 'x'.repeat(10_000_000) }), 413, 'MASK_BODY_TOO_LARGE'],
  ])('%s is a clear, coded error', async (_what, body, status, code) => {
    const answer = await product.maskline('POST', '/v1/sessions', body);
    expect(answer).toMatchObject({
      status,
      body: { status, code, title: expect.any(String), detail: expect.any(String) },
    });
    expect(JSON.stringify(answer.body)).not.toContain('7009007');
  });

  it('refuses one of our own numbers as a person’s', async () => {
    const { body } = await product.maskline('GET', '/v1/virtual-numbers?pool=default&limit=1');
    const ours = body.data[0].virtualNumber;
    const answer = await product.maskline(
      'POST',
      '/v1/sessions',
      session({ participants: [customer, { role: 'driver', realNumber: ours }] }),
    );
    expect(answer).toMatchObject({ status: 422, body: { code: 'MASK_NUMBER_NOT_ALLOWED' } });
  });

  it('says the same of what is not there and what is not yours, and nothing without a key', async () => {
    expect(await product.maskline('GET', '/v1/sessions/ses_nothing')).toMatchObject({
      status: 404,
      body: { code: 'MASK_NOT_FOUND' },
    });
    const without = await product.maskline('GET', '/v1/sessions/ses_nothing', undefined, {
      authorization: 'Bearer wrong',
    });
    expect(without).toMatchObject({ status: 401, body: { code: 'MASK_UNAUTHENTICATED' } });
  });

  it('goes on serving afterwards', async () => {
    const company = new DeliveryCompany(product);
    const [who, whom] = [await company.hire('customer'), await company.hire('driver')];
    const { ddd } = await company.delivering(who, whom);
    const { body } = await product.simulator('POST', '/calls', { from: who.realNumber, to: ddd });
    expect(body.state).toBe('ringing');
    expect((await product.maskline('GET', '/metrics')).body).toContain('maskline_route_decisions_total');
  });
});
