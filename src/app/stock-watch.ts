/** What a process remembers between two looks at the stock. Losing it costs a look, nothing else. */
export class StockWatch {
  readonly #lowestHeadroom = new Map<string, number>();
  readonly #low = new Set<string>();

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
    const key = `${tenant}/${pool}`;
    const wasLow = this.#low.has(key);
    if (isLow) this.#low.add(key);
    else this.#low.delete(key);
    return isLow && !wasLow;
  }
}
