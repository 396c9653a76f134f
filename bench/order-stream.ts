import type { BusMessage } from '../src/bus/bus.ts';
import { assigned } from '../test/production/order-load.ts';
import { POOL } from '../test/production/seed.ts';

/** Events of so many orders, in the order of their happening, and how many announcements they make. */
export type Stream = (
  run: string,
  orders: number,
) => { readonly messages: readonly BusMessage[]; readonly announcements: number };

export const SHARED_POOL = 'shared-city';
/** Orders between the beginning of one and its end, so that both meet in one batch as seldom as in life. */
const APART = 3_000;

/** Kinds of streams: assignments alone; whole orders; orders whose driver changes. */
export const STREAMS = {
  dedicated: assignments(POOL),
  shared: assignments(SHARED_POOL),
  mixed: (run, orders) => {
    const messages = later(orders, (n) => [
      [placedMessage(run, n), assignedMessage(run, n, POOL)],
      [endedMessage(run, n)],
    ]);
    return { messages, announcements: 2 * orders };
  },
  swaps: (run, orders) => {
    const messages = later(orders, (n) => [
      [assignedMessage(run, n, POOL)],
      [assignedMessage(run, n, POOL, 2), endedMessage(run, n)],
    ]);
    // Opened, closed and opened again for the other driver, closed.
    return { messages, announcements: 4 * orders };
  },
} as const satisfies Readonly<Record<string, Stream>>;

function assignments(pool: string): Stream {
  return (run, orders) => ({
    messages: Array.from({ length: orders }, (_, n) => assignedMessage(run, n, pool)),
    announcements: orders,
  });
}

/** What happens to an order first, and then, when `APART` others have begun, the rest. */
function later(orders: number, parts: (n: number) => readonly [BusMessage[], BusMessage[]]): BusMessage[] {
  const all = Array.from({ length: orders }, (_, n) => parts(n));
  return Array.from({ length: orders + APART }, (_, n) => [
    ...(all[n]?.[0] ?? []),
    ...(all[n - APART]?.[1] ?? []),
  ]).flat();
}

export function assignedMessage(run: string, n: number, pool: string, assignment = 1): BusMessage {
  const reference = `${run}-${n}`;
  const id = `assigned-${assignment}-${reference}`;
  const event = assigned(reference, n, { pool, assignment });
  return message(reference, { ...event, id });
}

function placedMessage(run: string, n: number): BusMessage {
  return other(run, n, 'order.placed', { pool: POOL, customerId: `c${n}` });
}

function endedMessage(run: string, n: number): BusMessage {
  return other(run, n, 'order.completed', {});
}

function other(run: string, n: number, type: string, data: object): BusMessage {
  const orderId = `${run}-${n}`;
  const base = { specversion: '1.0', source: '/orders', time: new Date().toISOString() };
  return message(orderId, { ...base, id: `${type}-${orderId}`, type, data: { orderId, ...data } });
}

function message(key: string, event: object): BusMessage {
  return {
    key,
    value: Buffer.from(JSON.stringify(event)),
    headers: { 'content-type': 'application/cloudevents+json' },
  };
}
