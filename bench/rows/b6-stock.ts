import { POOL_LIMITS } from '../../src/domain/pool.ts';
import type { BenchOptions, BenchRow } from '../bench-row.ts';
import { lowerBound } from '../stock/lower-bound.ts';
import { DAY_DEFAULTS, generateOrderDay, type OrderDay } from '../stock/order-day.ts';
import { readTrace } from '../stock/read-trace.ts';
import { stockNeeded } from '../stock/shared-stock.ts';

const SMOKE_SHARE = 0.1;
const QUARANTINE_SECONDS = POOL_LIMITS.pairQuarantineSeconds.default;

/** How many numbers a day of orders needs, exactly; nothing here depends on the machine. */
export async function measureB6(options: BenchOptions & { readonly trace?: string }): Promise<BenchRow[]> {
  options.progress('B6: a day of orders');
  const day = options.trace === undefined ? generated(options.smoke) : await readTrace(options.trace);
  return [
    row(day, 0, 'without quarantine', '0 above the bound', 0, options),
    row(day, QUARANTINE_SECONDS, 'with the default pair quarantine', '≤ 1 above the bound', 1, options),
  ];
}

function generated(smoke: boolean): OrderDay {
  if (!smoke) return generateOrderDay(DAY_DEFAULTS);
  const { orders, drivers, customers } = DAY_DEFAULTS;
  return generateOrderDay({
    ...DAY_DEFAULTS,
    orders: orders * SMOKE_SHARE,
    drivers: drivers * SMOKE_SHARE,
    customers: customers * SMOKE_SHARE,
  });
}

function row(
  day: OrderDay,
  pairRestSeconds: number,
  what: string,
  aim: string,
  allowed: number,
  options: BenchOptions,
): BenchRow {
  options.progress(`B6: stock ${what}`);
  const bound = lowerBound(day, pairRestSeconds);
  const numbers = stockNeeded(day, bound.numbers, pairRestSeconds);
  // A number of a dedicated pool, or of an order, rests for the number's own quarantine and not for the pair's.
  const numberRest = pairRestSeconds === 0 ? 0 : POOL_LIMITS.numberQuarantineSeconds.default;
  const { sessionsAtOnce } = lowerBound(day, numberRest);
  return {
    id: 'B6',
    title: `numbers that a day of orders needs, shared pool, ${what}`,
    unit: 'numbers',
    value: numbers,
    limit: bound.numbers,
    rival: 2 * sessionsAtOnce,
    ratio: numbers / bound.numbers,
    aim,
    met: numbers - bound.numbers <= allowed,
    details: {
      orders: day.orders,
      people: day.people,
      'busiest person, sessions open or resting': bound.busiestPerson,
      'above the bound': numbers - bound.numbers,
      'rival: dedicated pool': 2 * sessionsAtOnce,
      'rival: one common number for each order': sessionsAtOnce,
    },
  };
}
