/**
 * How many numbers the tightest allocation of a shared pool had left to choose from, since somebody last asked.
 * A shared pool is not short when its numbers are in use (they all are), but when one person runs out of
 * numbers that are new to them; only an allocation sees that.
 */
export class Headroom {
  readonly #lowest = new Map<string, number>();

  note(tenant: string, pool: string, candidates: number): void {
    const key = `${tenant}/${pool}`;
    this.#lowest.set(key, Math.min(candidates, this.#lowest.get(key) ?? candidates));
  }

  /** The lowest noted since the last `take`, or null. */
  take(tenant: string, pool: string): number | null {
    const key = `${tenant}/${pool}`;
    const lowest = this.#lowest.get(key) ?? null;
    this.#lowest.delete(key);
    return lowest;
  }
}
