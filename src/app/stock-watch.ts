import { Breaker } from '../lib/breaker.ts';

/** What a process remembers between two looks at the stock. Losing it costs a look, nothing else. */
export class StockWatch {
  readonly #lowestHeadroom = new Map<string, number>();
  readonly #low = new Set<string>();
  readonly #spent = new Set<string>();
  readonly #breakers = new Map<string, Breaker>();

  /** Whether the account is worth asking. */
  breakerOf(tenant: string, account: string): Breaker {
    const key = `${tenant}/${account}`;
    const breaker = this.#breakers.get(key) ?? new Breaker();
    this.#breakers.set(key, breaker);
    return breaker;
  }

  /**
   * How many numbers an allocation of a shared pool had left to choose from. A shared pool is not short when its
   * numbers are in use (they all are) but when one person runs out of numbers that are new to them, and only an
   * allocation sees that.
   */
  noteHeadroom(tenant: string, pool: string, candidates: number): void {
    const key = `${tenant}/${pool}`;
    this.#lowestHeadroom.set(key, Math.min(candidates, this.#lowestHeadroom.get(key) ?? candidates));
  }

  /** The lowest noted since the last call, or null. */
  takeHeadroom(tenant: string, pool: string): number | null {
    const key = `${tenant}/${pool}`;
    const lowest = this.#lowestHeadroom.get(key) ?? null;
    this.#lowestHeadroom.delete(key);
    return lowest;
  }

  /** True when the pool has become low since the last look, so that it is announced once. */
  becameLow(tenant: string, pool: string, isLow: boolean): boolean {
    return becameSo(this.#low, `${tenant}/${pool}`, isLow);
  }

  /** True when the account's budget was not spent at the last look. */
  becameSpent(tenant: string, account: string, isSpent: boolean): boolean {
    return becameSo(this.#spent, `${tenant}/${account}`, isSpent);
  }
}

function becameSo(set: Set<string>, key: string, isSo: boolean): boolean {
  const wasSo = set.has(key);
  if (isSo) set.add(key);
  else set.delete(key);
  return isSo && !wasSo;
}
