import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKafkaBus } from '../../src/bus/kafka/kafka-bus.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { until } from '../system/product.ts';
import { createDeployment, type Deployment } from './deployment.ts';
import { BROKERS, LEFT_OUT } from './kafka-topics.ts';
import { Replica, runCommand } from './replica.ts';
import { personNumber } from './seed.ts';

describe('maskline --help', () => {
  it.each([
    [['--help']],
    [['serve', '--help']],
    [['migrate', '--help']],
    [['doctor', '--help']],
    [['keys', '--help']],
    [['keys', 'create', '--help']],
    [['keys', 'list', '--help']],
    [['keys', 'revoke', '--help']],
    [['dead-letters', 'list', '--help']],
    [['dead-letters', 'redrive', '--help']],
  ])('explains %j', async (args) => {
    const { code, stdout } = await runCommand(args, {});
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: maskline');
  });
});

describe('maskline serve', () => {
  it('refuses unsafe settings, and names all of them at once', async () => {
    const { code, stderr } = await runCommand(['serve'], {
      MASKLINE_PUBLIC_URL: 'http://calls.example.com',
      MASKLINE_DEV_API_KEY: 'not-for-production',
      MASKLINE_ROLES: 'api,webhook,jobs',
      KAFKA_SASL_MECHANISM: 'PLAIN',
    });
    expect(code).toBe(1);
    for (const words of [
      'DATABASE_URL is missing',
      'KAFKA_BROKERS is missing',
      'must begin with https://',
      'MASKLINE_DEV_API_KEY is for `dev` only',
      'names "webhook"',
      'belong together',
      'MASKLINE_MASTER_KEY',
    ]) {
      expect(stderr).toContain(words);
    }
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

if (BROKERS === null) {
  describe('the commands on Kafka', () => {
    it(LEFT_OUT, (context) => context.skip());
  });
} else {
  const brokers = BROKERS;
  let deployment: Deployment;
  let environment: Record<string, string>;
  beforeAll(async () => {
    deployment = await createDeployment(brokers, { numbers: 20 });
    environment = { ...deployment.environment, MASKLINE_PUBLIC_URL: 'https://calls.example.com' };
  });
  afterAll(() => deployment?.stop());

  describe('maskline migrate', () => {
    it('says that there is nothing to do, and creates topics that are missing', async () => {
      expect(await runCommand(['migrate', '--check'], environment)).toMatchObject({ code: 0 });
      const topic = `new-${randomBytes(4).toString('hex')}`;
      const other = { ...environment, MASKLINE_TOPIC_ORDERS: topic };
      const first = await runCommand(['migrate', '--topics', '--partitions', '3'], other);
      expect(first).toMatchObject({ code: 0 });
      expect(first.stdout).toContain(`Created ${topic}.`);
      const second = await runCommand(['migrate', '--topics'], other);
      expect(second.stdout).toContain('Every topic was there');
    });

    it('finds an empty database behind, and `serve` refuses it until it was migrated', async () => {
      const { runAsAdmin, databaseUrl } = await import('../../src/storage/testing/open-test-postgres.ts');
      await runAsAdmin(deployment.server.url, 'create database empty');
      const behind = { ...environment, DATABASE_URL: databaseUrl(deployment.server.url, 'empty') };
      const check = await runCommand(['migrate', '--check'], behind);
      expect(check).toMatchObject({ code: 1 });
      expect(check.stdout).toContain('Run `maskline migrate`');
      const refused = await runCommand(['serve'], { ...behind, MASKLINE_PORT: '0' });
      expect(refused).toMatchObject({ code: 1 });
      expect(refused.stderr).toContain('`maskline migrate`');
      expect((await runCommand(['doctor'], behind)).stdout).toContain('fail Schema is at version 0');
      const migrated = await runCommand(['migrate'], behind);
      expect(migrated).toMatchObject({ code: 0 });
      expect(migrated.stdout).toMatch(/^Applied [1-9]/m);
    });
  });

  describe('maskline doctor', () => {
    it('finds nothing wrong with a sound deployment, and changes nothing', async () => {
      const { code, stdout } = await runCommand(['doctor'], environment);
      expect(stdout).not.toContain('fail ');
      expect(code).toBe(0);
      for (const words of [
        'The settings can be served',
        'PostgreSQL 1',
        'row-level security',
        'differ by',
        'The master key opens',
        'Provider account operator (simulator) loads',
        '1 API keys can be used',
        'Kafka answers with 1 brokers',
        `Topic ${deployment.topics.orders} has 4 partitions`,
      ]) {
        expect(stdout).toContain(words);
      }
    });

    it('says what to do about a wrong master key, a missing topic and a broker that is away', async () => {
      const wrong = {
        ...environment,
        MASKLINE_MASTER_KEY: randomBytes(32).toString('base64'),
        MASKLINE_TOPIC_MASKING: 'nobody-made-this',
      };
      const { code, stdout } = await runCommand(['doctor'], wrong);
      expect(code).toBe(1);
      expect(stdout).toContain('The master key does not open the data keys');
      expect(stdout).toContain('Topic nobody-made-this is missing');
      expect(stdout).toContain('maskline migrate --topics');
      const away = await runCommand(['doctor'], { ...environment, KAFKA_BROKERS: '127.0.0.1:1' });
      expect(away.stdout).toContain('fail Kafka does not answer');
      expect(away.stdout).toContain('ok   The master key opens');
    });
  });

  describe('maskline keys', () => {
    it('makes a key that works, with its scopes and its end, and revokes it', async () => {
      const args = ['keys', 'create', 'switch', '--scopes', 'pools:read', '--expires-in-days', '2'];
      const created = await runCommand(args, environment);
      const key = created.stdout.trim();
      expect(key).toMatch(/^mask_[0-9A-Za-z]{33}$/);
      const list = await runCommand(['keys', 'list'], environment);
      const line = list.stdout.split('\n').find((candidate) => candidate.includes('switch')) ?? '';
      expect(line).toContain('pools:read');
      expect(line).toContain('expires 2');
      expect(list.stdout).not.toContain(key);

      const replica = await Replica.start({ ...deployment.environment, MASKLINE_ROLES: 'api' });
      expect((await replica.ask('GET', '/v1/pools', undefined, key)).status).toBe(200);
      expect((await replica.ask('GET', '/v1/sessions', undefined, key)).status).toBe(403);
      const id = line.split(' ')[0] ?? '';
      expect(await runCommand(['keys', 'revoke', id], environment)).toMatchObject({ code: 0 });
      await until(
        'the key refused',
        async () => (await replica.ask('GET', '/v1/pools', undefined, key)).status === 401,
        6_000,
      );
      expect(await replica.kill('SIGTERM')).toBe(0);
      expect(await runCommand(['keys', 'revoke', id], environment)).toMatchObject({ code: 1 });
    });

    it('refuses scopes and tenants that are not there', async () => {
      const scopes = await runCommand(['keys', 'create', 'x', '--scopes', 'everything'], environment);
      expect(scopes).toMatchObject({ code: 1 });
      expect(scopes.stderr).toContain('sessions:read');
      const tenant = await runCommand(['keys', 'list', '--tenant', 'acme'], environment);
      expect(tenant.stderr).toContain('There is no tenant "acme"');
    });
  });

  describe('maskline dead-letters', () => {
    it('lists without bytes or numbers, and puts the original back', async () => {
      const { topics } = deployment;
      const bus = createKafkaBus({
        brokers: brokers.split(','),
        clientId: 'test',
        clock: systemClock,
        random: systemRandom,
        log: { info() {}, warn() {} },
      });
      const people = [personNumber(1), personNumber(2)];
      const event = {
        specversion: '1.0',
        id: 'early',
        source: '/orders',
        type: 'order.driver_assigned',
        time: new Date(systemClock.now()).toISOString(),
        data: {
          orderId: 'order-early',
          pool: 'suburb',
          participants: people.map((realNumber, i) => ({
            role: ['customer', 'driver'][i],
            userId: `u${i}`,
            realNumber,
          })),
        },
      };
      const value = Buffer.from(JSON.stringify(event));
      await bus.publish(topics.orders, [
        { key: 'order-early', value, headers: {} },
        { key: 'order-x', value: Buffer.from(`not json ${people[0]}`), headers: {} },
      ]);
      const replica = await Replica.start(deployment.environment);
      await until(
        'two dead letters',
        async () => (await replica.metric('maskline_dead_letters_total')) === 2,
      );

      const list = await runCommand(['dead-letters', 'list'], environment);
      expect(list).toMatchObject({ code: 0 });
      expect(list.stdout).toContain('2 dead letters.');
      expect(list.stdout).toContain('unknown_pool');
      expect(list.stdout).toContain('not_a_cloud_event');
      expect(list.stdout).not.toContain('not json');
      for (const person of people) expect(list.stdout).not.toContain(person.slice(2));
      const id =
        list.stdout
          .split('\n')
          .find((line) => line.includes('unknown_pool'))
          ?.split(' ')[0] ?? '';

      const dry = await runCommand(['dead-letters', 'redrive', '--all', '--dry-run'], environment);
      expect(dry.stdout).toContain('2 dead letters would be put back');
      expect(
        (await replica.ask('GET', '/v1/sessions?reference=order-early', undefined, deployment.apiKey)).body
          .data,
      ).toEqual([]);

      // The operator repairs what was wrong, and puts that one back.
      const pool = (await replica.ask('GET', '/v1/pools/city', undefined, deployment.apiKey)).body;
      const { stockNow: _, createdAt: __, ...settings } = pool;
      const made = await replica.ask('POST', '/v1/pools', { ...settings, name: 'suburb' }, deployment.apiKey);
      expect(made.status).toBe(201);
      expect(await runCommand(['dead-letters', 'redrive', id], environment)).toMatchObject({ code: 0 });
      await until('the session of the order', async () => {
        const { body } = await replica.ask(
          'GET',
          '/v1/sessions?reference=order-early',
          undefined,
          deployment.apiKey,
        );
        return body.data.length === 1;
      });
      const after = await runCommand(['dead-letters', 'list'], environment);
      expect(after.stdout).toContain('1 dead letters.');
      expect(after.stdout).not.toContain('unknown_pool');
      expect((await runCommand(['dead-letters', 'list', '--all'], environment)).stdout).toContain(
        'put back 2',
      );
      expect(await replica.kill('SIGTERM')).toBe(0);
      await bus.close();
    });

    it('refuses to guess which', async () => {
      expect(await runCommand(['dead-letters', 'redrive'], environment)).toMatchObject({ code: 1 });
      const unknown = await runCommand(['dead-letters', 'redrive', 'orders/0/999'], environment);
      expect(unknown.stderr).toContain('There is no dead letter orders/0/999');
    });
  });
}
