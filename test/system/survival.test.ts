import { afterEach, describe, expect, it } from 'vitest';
import { DeliveryCompany } from './delivery-company.ts';
import { freePort, Product, until } from './product.ts';

const ROUNDS = 3;
const ORDERS_A_ROUND = 12;

let product: Product | null = null;
afterEach(async () => {
  await product?.destroy();
  product = null;
});

/** Every session that is open, with all pages. */
async function openSessions(
  of: Product,
): Promise<{ reference: string; participants: { virtualNumber: string }[] }[]> {
  const sessions = [];
  let cursor: string | null = null;
  do {
    const { body } = await of.maskline('GET', `/v1/sessions?limit=200${cursor ? `&cursor=${cursor}` : ''}`);
    sessions.push(...body.data.filter((session: { state: string }) => session.state === 'open'));
    cursor = body.nextCursor;
  } while (cursor);
  return sessions;
}

describe('survival', () => {
  it(`loses nothing it acknowledged over ${ROUNDS} kills under load, and lends no number twice`, {
    timeout: 300_000,
  }, async () => {
    product = await Product.start();
    const alive = product;
    const company = new DeliveryCompany(alive);
    const acknowledged = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const people = await Promise.all(
        Array.from(
          { length: ORDERS_A_ROUND },
          async () => [await company.hire('customer'), await company.hire('driver')] as const,
        ),
      );
      // Killed in the middle: some orders are placed, some assigned, some of that is known to us.
      const work = people.map(async ([customer, driver], i) => {
        const orderId = await company.place(customer);
        const { status } = (await company.assign(orderId, driver)) as { status: number };
        if (status < 300) acknowledged.add(orderId);
        const reference = `direct-${round}-${i}`;
        const direct = await alive.maskline('POST', '/v1/sessions', {
          pool: 'default',
          reference,
          participants: [
            { role: 'customer', realNumber: customer.realNumber },
            { role: 'driver', realNumber: driver.realNumber },
          ],
        });
        if (direct.status === 201 || direct.status === 202) acknowledged.add(reference);
      });
      await Promise.race([
        Promise.allSettled(work),
        until('some work done', () => acknowledged.size >= (round + 1) * 8, 20_000),
      ]);
      await alive.kill('SIGKILL');
      await Promise.allSettled(work);
      await alive.start();
    }
    await until(
      'every acknowledged order with a session, by itself',
      async () => {
        const references = new Set((await openSessions(alive)).map((session) => session.reference));
        return [...acknowledged].every((reference) => references.has(reference));
      },
      15_000,
    );
    const numbers = (await openSessions(alive)).flatMap((session) =>
      session.participants.map((p) => p.virtualNumber),
    );
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(acknowledged.size).toBeGreaterThanOrEqual(ROUNDS * 8);
  });

  it('refuses a second process on the same data directory, and says who has it', {
    timeout: 180_000,
  }, async () => {
    product = await Product.start();
    const second = await Product.create({ MASKLINE_DATA_DIR: product.dataDir });
    const child = second.spawn();
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(code).toBe(1);
    expect(second.output).toContain(product.dataDir);
    expect(second.output).not.toMatch(/^\s+at /m);
    expect((await product.maskline('GET', '/readyz')).status).toBe(200);
  });

  it('says which port is taken, and by which setting to choose another', { timeout: 180_000 }, async () => {
    product = await Product.start();
    const second = await Product.create({ MASKLINE_PORT: String(product.ports[0]) });
    const child = second.spawn();
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(1);
    expect(second.output).toContain(`Port ${product.ports[0]} is in use`);
    expect(second.output).toContain('MASKLINE_PORT');
  });

  it('stops in order on SIGTERM, and keeps everything for the next start', { timeout: 180_000 }, async () => {
    product = await Product.start();
    const company = new DeliveryCompany(product);
    const [customer, driver] = [await company.hire('customer'), await company.hire('driver')];
    const { orderId, ddd, aaa } = await company.delivering(customer, driver);
    expect(await product.kill('SIGTERM')).toBe(0);
    // At another address, too: the operator is told where to ask from now on.
    product.moveTo(await freePort());
    await product.start();
    expect(await company.contacts(orderId)).toEqual({ ddd, aaa });
    const { body } = await product.simulator('POST', '/calls', { from: customer.realNumber, to: ddd });
    expect(body.bLeg).toEqual({ to: driver.realNumber, callerId: aaa });
  });
});
