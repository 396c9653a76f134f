import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  openTestPostgres,
  runAsAdmin,
  databaseUrl,
  type TestPostgres,
} from '../../src/storage/testing/open-test-postgres.ts';
import { DeliveryCompany } from '../system/delivery-company.ts';
import { Product } from '../system/product.ts';
import { BROKERS, LEFT_OUT } from './kafka-topics.ts';

if (BROKERS === null) {
  describe('npm start on PostgreSQL and Kafka', () => {
    it(LEFT_OUT, (context) => context.skip());
  });
} else {
  const brokers = BROKERS;
  let server: TestPostgres;
  let product: Product | null = null;
  beforeAll(async () => {
    server = await openTestPostgres();
  });
  afterAll(async () => {
    await product?.destroy();
    await server?.stop();
  });

  describe('npm start on PostgreSQL and Kafka', () => {
    it('runs the delivery demo on an empty database and topics that it makes, and again after a kill', async () => {
      const name = `demo_${process.pid}`;
      await runAsAdmin(server.adminUrl, `create database ${name}`);
      const suffix = `demo-${process.pid}-${Math.round(performance.timeOrigin)}`;
      product = await Product.start({
        DATABASE_URL: databaseUrl(server.adminUrl, name),
        KAFKA_BROKERS: brokers,
        MASKLINE_TOPIC_ORDERS: `orders-${suffix}`,
        MASKLINE_TOPIC_MASKING: `masking-${suffix}`,
        MASKLINE_TOPIC_DEAD_LETTER: `dead-${suffix}`,
        MASKLINE_CONSUMER_GROUP: suffix,
      });
      const company = new DeliveryCompany(product);
      const [customer, driver] = [await company.hire('customer'), await company.hire('driver')];
      const { orderId, ddd, aaa } = await company.delivering(customer, driver);
      const call = () => product?.simulator('POST', '/calls', { from: customer.realNumber, to: ddd });
      expect((await call())?.body.bLeg).toEqual({ to: driver.realNumber, callerId: aaa });
      await product.kill('SIGKILL');
      await product.start();
      expect(await company.contacts(orderId)).toEqual({ ddd, aaa });
      expect((await call())?.body.bLeg).toEqual({ to: driver.realNumber, callerId: aaa });
      await company.complete(orderId);
      await company.gone(orderId);
    });
  });
}
