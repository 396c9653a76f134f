import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BROKERS, LEFT_OUT } from '../production/kafka-topics.ts';
import { OwnBroker } from '../production/own-broker.ts';
import { freePort, until } from '../system/product.ts';
import { FaultWorld } from './fault-world.ts';
import { LONG, note } from './long-form.ts';
import { FaultProxy } from './proxy/fault-proxy.ts';

const reason =
  BROKERS === null
    ? LEFT_OUT
    : LONG
      ? null
      : 'was left out, because it takes a minute (MASKLINE_FAULTS=long); test/production stops a broker in any case';

if (reason !== null) {
  describe('faults on the way to the broker', () => {
    it(reason, (context) => context.skip());
  });
} else {
  let broker: OwnBroker;
  let wire: FaultProxy;
  let world: FaultWorld;

  beforeAll(async () => {
    const port = await freePort();
    broker = await OwnBroker.start(port);
    wire = await FaultProxy.start({
      port,
      upstream: { host: '127.0.0.1', port: Number(broker.address.split(':')[1]) },
    });
    world = await FaultWorld.start({ brokers: `127.0.0.1:${port}`, callsPerSecond: 50 });
    await world.phase('warm-up', () => world.passed(1_500));
  }, 180_000);
  afterAll(async () => {
    await world?.stop();
    await wire?.close();
    await broker?.clean();
  });

  /** No call may notice, whatever becomes of the broker; and what was kept waiting is announced afterwards. */
  async function throughout(name: string, fault: () => Promise<void>, heal: () => Promise<void>) {
    const report = await world.phase(name, fault);
    await heal();
    const healedAt = performance.now();
    const announced = world.orders.latencies.length;
    await until('an announcement', () => world.orders.latencies.length > announced, 30_000);
    const recoveryMs = Math.round(performance.now() - healedAt);
    note(`Kafka, ${name}`, { recoveryMs, ...report });
    expect(report).toMatchObject({ neutral: 0, unanswered: 0, misrouted: 0, late: 0 });
    expect(recoveryMs).toBeLessThan(15_000);
    world.assertAlive();
  }

  describe('faults on the way to the broker', () => {
    it('late, uneven and in slices', () =>
      throughout(
        'late and in slices',
        async () => {
          wire.add({ type: 'latency', attributes: { latency: 100, jitter: 50 } });
          wire.add({
            type: 'slicer',
            stream: 'upstream',
            attributes: { average_size: 200, size_variation: 100 },
          });
          await world.passed(15_000);
        },
        () => wire.reset(),
      ));

    it('connections that are reset every second', () =>
      throughout(
        'reset every second',
        async () => {
          for (let i = 0; i < 15; i++) {
            wire.cut();
            await world.passed(1_000);
          }
        },
        async () => {},
      ));

    it('a black hole', () =>
      throughout(
        'black hole',
        async () => {
          for (const stream of ['upstream', 'downstream'] as const)
            wire.add({ name: stream, type: 'timeout', stream, attributes: { timeout: 0 } });
          await world.passed(30_000);
        },
        () => wire.reset(),
      ));

    it('nobody there', () =>
      throughout(
        'down',
        async () => {
          await wire.disable();
          await world.passed(30_000);
        },
        () => wire.enable(),
      ));

    it('after all of that nothing is lost and nothing happened twice', async () => {
      note('History', await world.check());
    });
  });
}
