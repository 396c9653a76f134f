import type { BusMessage } from '../../src/bus/bus.ts';

/** Events with real numbers as an Orders service sends them: a good one, and poison of every kind. */
export function canaryEvents(pool: string, canary: () => string): BusMessage[] {
  const participants = () =>
    ['customer', 'driver'].map((role) => ({ role, userId: role, realNumber: canary() }));
  const event = (id: string, type: string, data: unknown): BusMessage => ({
    key: id,
    headers: { 'content-type': 'application/cloudevents+json' },
    value: Buffer.from(
      JSON.stringify({
        specversion: '1.0',
        id,
        source: '/canary',
        type,
        time: new Date().toISOString(),
        data,
      }),
    ),
  });
  const assigned = 'order.driver_assigned';
  const number = canary();
  return [
    event('canary-good', assigned, {
      orderId: 'canary-good',
      pool,
      participants: participants(),
    }),
    event('canary-pool', assigned, {
      orderId: 'canary-pool',
      pool: 'nowhere',
      participants: participants(),
    }),
    event('canary-twins', assigned, {
      orderId: 'canary-twins',
      pool,
      participants: ['a', 'b'].map((role) => ({ role, realNumber: number })),
    }),
    event('canary-invalid', assigned, {
      orderId: 'canary-invalid',
      pool,
      participants: [canary()],
    }),
    event('canary-type', `order.${canary()}`, { number: canary() }),
    { key: 'canary-text', headers: {}, value: Buffer.from(`call me at ${canary()}`) },
  ];
}
