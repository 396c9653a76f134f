import { afterAll, beforeAll, expect, it } from 'vitest';
import { DeliveryCompany } from './delivery-company.ts';
import { Product } from './product.ts';

const NEUTRAL = 'The number you have dialled cannot be connected. Goodbye.';
const SECOND_PHONE = '+12025550177';

let product: Product;
let company: DeliveryCompany;

beforeAll(async () => {
  product = await Product.start();
  company = new DeliveryCompany(product);
});
afterAll(() => product.destroy());

async function dial(from: string, to: string, digits?: string) {
  const { body } = await product.simulator('POST', '/calls', { from, to, ...(digits && { digits }) });
  return body as { state: string; heard: string | null; bLeg: { to: string; callerId: string } | null };
}

it('lets a customer call from a second phone by PIN or by announcing it, and nobody else', async () => {
  await product.maskline('PATCH', '/v1/pools/default', { stepUp: 'pin' });
  const [customer, driver] = [await company.hire('customer'), await company.hire('driver')];
  const { orderId, aaa, ddd } = await company.delivering(customer, driver);
  const { body: found } = await product.maskline('GET', `/v1/sessions?reference=${orderId}`);
  const sessionId = found.data[0].id;
  const { body: made } = await product.maskline('POST', `/v1/sessions/${sessionId}/pins`, {
    participantId: 'customer',
  });
  const connected = { state: 'ringing', bLeg: { to: driver.realNumber, callerId: aaa } };
  expect(await dial(SECOND_PHONE, ddd)).toMatchObject({ state: 'refused', bLeg: null });
  expect(await dial(SECOND_PHONE, ddd, made.pin)).toMatchObject(connected);
  const wrong = await dial('+12025550178', ddd, made.pin === '111111' ? '222222' : '111111');
  // The simulated caller keys the same digits until the operator gives up: none of that connects or tells anything.
  expect(wrong.state).not.toBe('ringing');
  expect(wrong.bLeg).toBeNull();
  expect(JSON.stringify(wrong)).not.toContain(driver.realNumber);

  await product.maskline('POST', `/v1/sessions/${sessionId}/call-intents`, { participantId: 'customer' });
  expect(await dial('+12025550179', ddd)).toMatchObject(connected);
  await product.maskline('PATCH', '/v1/pools/default', { stepUp: 'none' });
  expect((await dial('+12025550180', ddd)).heard).toBe(NEUTRAL);
});
