import type { OrderDay } from './order-day.ts';

/** The orders by the moment at which something of them is over: their end and `restSeconds` more. */
export function endsInOrder(day: OrderDay, restSeconds: number): { order: Uint32Array; at: Float64Array } {
  const order = Uint32Array.from({ length: day.orders }, (_, i) => i);
  order.sort((a, b) => (day.closedAt[a] ?? 0) - (day.closedAt[b] ?? 0));
  return { order, at: Float64Array.from(order, (i) => (day.closedAt[i] ?? 0) + restSeconds) };
}
