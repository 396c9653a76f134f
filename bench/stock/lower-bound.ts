import { endsInOrder } from './ends-in-order.ts';
import type { OrderDay } from './order-day.ts';

export interface LowerBound {
  /** numbers that no design can do without */
  readonly numbers: number;
  /** the most sessions, open or resting, that one person holds at one moment */
  readonly busiestPerson: number;
  /** the most sessions that are open or resting at one moment */
  readonly sessionsAtOnce: number;
}

/**
 * A person who dials must mean one session, so each of that person's sessions, while it is open or rests, needs a number
 * of its own: the busiest person is a lower bound for every design. A session's two numbers differ, so two is one as well.
 * It is computed exactly, by one pass over all beginnings and ends.
 */
export function lowerBound(day: OrderDay, pairRestSeconds: number): LowerBound {
  const held = new Uint32Array(day.people);
  const ends = endsInOrder(day, pairRestSeconds);
  let ended = 0;
  let busiestPerson = 0;
  let sessionsAtOnce = 0;
  for (let i = 0; i < day.orders; i++) {
    const now = day.openedAt[i] ?? 0;
    for (; (ends.at[ended] ?? Number.POSITIVE_INFINITY) <= now; ended++) {
      const over = ends.order[ended] ?? 0;
      for (const person of [day.customer[over] ?? 0, day.driver[over] ?? 0])
        held[person] = (held[person] ?? 0) - 1;
    }
    for (const person of [day.customer[i] ?? 0, day.driver[i] ?? 0]) {
      held[person] = (held[person] ?? 0) + 1;
      busiestPerson = Math.max(busiestPerson, held[person] ?? 0);
    }
    sessionsAtOnce = Math.max(sessionsAtOnce, i + 1 - ended);
  }
  return { numbers: Math.max(2, busiestPerson), busiestPerson, sessionsAtOnce };
}
