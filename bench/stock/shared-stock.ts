import { assignVirtualNumbers } from '../../src/domain/allocation.ts';
import type { VirtualNumber } from '../../src/domain/virtual-number.ts';
import { endsInOrder } from './ends-in-order.ts';
import type { OrderDay } from './order-day.ts';

const WORD_BITS = 32;
/** A session of two needs two candidates for each (Hall), which is what the product asks the database for. */
const CANDIDATES = 2;

/**
 * A shared pool of `numbers` numbers without a database: the same first fit, the same preference for numbers that do not
 * stand for the person yet, and the product's own matching. bench/stock/shared-stock.test.ts holds it against the product.
 */
export class SharedStock {
  readonly #numbers: readonly VirtualNumber[];
  readonly #words: number;
  /** bit n of person p: p dials number n in a session that is open or rests */
  readonly #dials: Uint32Array;
  /** how often number n stands for person p in an open session; 255 is more than anybody's */
  readonly #stands: Uint8Array;

  constructor(numbers: number, people: number) {
    this.#numbers = Array.from({ length: numbers }, (_, n) => String(n) as VirtualNumber);
    this.#words = Math.ceil(numbers / WORD_BITS);
    this.#dials = new Uint32Array(people * this.#words);
    this.#stands = new Uint8Array(people * numbers);
  }

  /** The numbers that stand for the two, or null when the pool is exhausted for them. */
  open(customer: number, driver: number): readonly [number, number] | null {
    const choice = assignVirtualNumbers([
      this.#candidates(driver, customer),
      this.#candidates(customer, driver),
    ]);
    if (choice === null) return null;
    const forCustomer = Number(choice[0]);
    const forDriver = Number(choice[1]);
    this.#dial(driver, forCustomer, true);
    this.#dial(customer, forDriver, true);
    this.#stand(customer, forCustomer, 1);
    this.#stand(driver, forDriver, 1);
    return [forCustomer, forDriver];
  }

  /** The session is closed; its pairs rest on. */
  close(customer: number, driver: number, [forCustomer, forDriver]: readonly [number, number]): void {
    this.#stand(customer, forCustomer, -1);
    this.#stand(driver, forDriver, -1);
  }

  /** The rest of its pairs is over. */
  forget(customer: number, driver: number, [forCustomer, forDriver]: readonly [number, number]): void {
    this.#dial(driver, forCustomer, false);
    this.#dial(customer, forDriver, false);
  }

  #candidates(caller: number, standingFor: number): VirtualNumber[] {
    const fresh: VirtualNumber[] = [];
    const standing: VirtualNumber[] = [];
    for (let n = 0; n < this.#numbers.length && fresh.length < CANDIDATES; n++) {
      const known = (this.#dials[caller * this.#words + (n >>> 5)] ?? 0) & (1 << (n & 31));
      if (known !== 0) continue;
      const list = this.#stands[standingFor * this.#numbers.length + n] === 0 ? fresh : standing;
      if (list.length < CANDIDATES) list.push(this.#numbers[n] as VirtualNumber);
    }
    return fresh.length < CANDIDATES ? [...fresh, ...standing] : fresh;
  }

  #dial(caller: number, n: number, known: boolean): void {
    const at = caller * this.#words + (n >>> 5);
    const bit = 1 << (n & 31);
    this.#dials[at] = known ? (this.#dials[at] ?? 0) | bit : (this.#dials[at] ?? 0) & ~bit;
  }

  #stand(person: number, n: number, change: 1 | -1): void {
    const at = person * this.#numbers.length + n;
    this.#stands[at] = (this.#stands[at] ?? 0) + change;
  }
}

/** Plays the day on a pool of so many numbers. Returns how many orders found it exhausted; stops at the first if asked. */
export function playDay(
  day: OrderDay,
  numbers: number,
  pairRestSeconds: number,
  stopAtFirst: boolean,
): number {
  const stock = new SharedStock(numbers, day.people);
  const given = new Array<readonly [number, number] | null>(day.orders).fill(null);
  const closes = endsInOrder(day, 0);
  const rests = endsInOrder(day, pairRestSeconds);
  let closed = 0;
  let rested = 0;
  let exhausted = 0;
  for (let i = 0; i < day.orders; i++) {
    const now = day.openedAt[i] ?? 0;
    for (; (closes.at[closed] ?? Number.POSITIVE_INFINITY) <= now; closed++) {
      const over = closes.order[closed] ?? 0;
      const pair = given[over];
      if (pair) stock.close(day.customer[over] ?? 0, day.driver[over] ?? 0, pair);
    }
    for (; (rests.at[rested] ?? Number.POSITIVE_INFINITY) <= now; rested++) {
      const over = rests.order[rested] ?? 0;
      const pair = given[over];
      if (pair) stock.forget(day.customer[over] ?? 0, day.driver[over] ?? 0, pair);
    }
    given[i] = stock.open(day.customer[i] ?? 0, day.driver[i] ?? 0);
    if (given[i] !== null) continue;
    exhausted++;
    if (stopAtFirst) return exhausted;
  }
  return exhausted;
}

/** The smallest pool on which no order of the day finds it exhausted, counted up from the lower bound. */
export function stockNeeded(day: OrderDay, bound: number, pairRestSeconds: number): number {
  let numbers = bound;
  while (playDay(day, numbers, pairRestSeconds, true) > 0) numbers++;
  return numbers;
}
