import { invariant } from '../../src/lib/assert.ts';
import { seededRandom } from '../../src/lib/random.ts';

/**
 * One day of orders as columns, sorted by the moment at which a driver is assigned. People are whole numbers from 0 on;
 * customers and drivers share one range, because a driver may order lunch.
 */
export interface OrderDay {
  readonly orders: number;
  readonly people: number;
  /** seconds since midnight */
  readonly openedAt: Float64Array;
  readonly closedAt: Float64Array;
  readonly customer: Uint32Array;
  readonly driver: Uint32Array;
}

/** Everything that shapes a generated day. Printed with each figure, so that a reader can make another one. */
export interface DayParameters {
  readonly seed: number;
  readonly orders: number;
  readonly drivers: number;
  readonly customers: number;
  /** share of the day's orders in each hour of the day */
  readonly hourWeights: readonly number[];
  /** the median of a log-normal duration, in minutes, and its sigma; cut at the limits */
  readonly minutesMedian: number;
  readonly minutesSigma: number;
  readonly minutesLimits: readonly [number, number];
  /** a driver takes so many orders at once at most */
  readonly ordersAtOnce: number;
  /** 1 is everybody alike; with 1.25 the busiest tenth of the customers make a sixth of the orders */
  readonly customerSkew: number;
  readonly driverSkew: number;
}

export const DAY_DEFAULTS: DayParameters = {
  seed: 1,
  orders: 600_000,
  drivers: 20_000,
  customers: 1_000_000,
  // Lunch and dinner, and somebody is hungry at three in the morning.
  hourWeights: [1, 1, 1, 1, 1, 1, 1, 2, 3, 4, 5, 8, 12, 12, 7, 5, 5, 6, 9, 13, 14, 11, 6, 3],
  minutesMedian: 32,
  minutesSigma: 0.35,
  minutesLimits: [8, 120],
  ordersAtOnce: 4,
  customerSkew: 1.25,
  driverSkew: 1.15,
};

const SECONDS_AN_HOUR = 3_600;
/** A driver who is full passes the order on; after so many the least busy of them takes it. */
const DRIVERS_ASKED = 64;

export function generateOrderDay(parameters: DayParameters): OrderDay {
  const { orders, drivers, customers } = parameters;
  const random = seededRandom(parameters.seed);
  const openedAt = arrivals(parameters, () => random.next());
  const closedAt = new Float64Array(orders);
  const customer = new Uint32Array(orders);
  const driver = new Uint32Array(orders);
  const ends: number[][] = Array.from({ length: drivers }, () => []);
  const skewed = (count: number, skew: number) => Math.floor(count * random.next() ** skew);

  for (let i = 0; i < orders; i++) {
    const now = openedAt[i] ?? 0;
    customer[i] = skewed(customers, parameters.customerSkew);
    let chosen = -1;
    let fewest = Number.POSITIVE_INFINITY;
    for (let asked = 0; asked < DRIVERS_ASKED && fewest > 0; asked++) {
      const one = skewed(drivers, parameters.driverSkew);
      const busy = stillBusy(ends, one, now);
      if (busy < parameters.ordersAtOnce) {
        chosen = one;
        break;
      }
      if (busy < fewest) [chosen, fewest] = [one, busy];
    }
    invariant(chosen >= 0, 'Somebody takes every order.');
    closedAt[i] = now + 60 * minutes(parameters, () => random.next());
    driver[i] = customers + chosen;
    ends[chosen]?.push(closedAt[i] ?? 0);
  }
  return { orders, people: customers + drivers, openedAt, closedAt, customer, driver };
}

function arrivals({ orders, hourWeights }: DayParameters, next: () => number): Float64Array {
  const total = hourWeights.reduce((sum, weight) => sum + weight, 0);
  const times = new Float64Array(orders);
  for (let i = 0; i < orders; i++) {
    let at = next() * total;
    let hour = 0;
    while (hour < hourWeights.length - 1 && at >= (hourWeights[hour] ?? 0)) at -= hourWeights[hour++] ?? 0;
    times[i] = (hour + at / (hourWeights[hour] || 1)) * SECONDS_AN_HOUR;
  }
  return times.sort();
}

function stillBusy(ends: readonly number[][], driver: number, now: number): number {
  const own = ends[driver] ?? [];
  for (let i = own.length - 1; i >= 0; i--) {
    if ((own[i] ?? 0) > now) continue;
    own[i] = own.at(-1) ?? 0;
    own.pop();
  }
  return own.length;
}

/** Log-normal by Box and Muller's transformation. */
function minutes({ minutesMedian, minutesSigma, minutesLimits }: DayParameters, next: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const [least, most] = minutesLimits;
  return Math.min(most, Math.max(least, minutesMedian * Math.exp(minutesSigma * normal)));
}
