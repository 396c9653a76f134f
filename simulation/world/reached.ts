/** How often each interesting thing happened. A run in which it did not proves nothing about it. */
export class Reached {
  readonly #counts = new Map<string, number>();

  count(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times);
  }

  /** How often each fault has struck at each fault point. */
  readonly #points = new Map<string, number>();

  countAt(fault: string, point: string): void {
    const name = `${fault} ${point}`;
    this.#points.set(name, (this.#points.get(name) ?? 0) + 1);
  }

  get points(): Record<string, number> {
    return Object.fromEntries([...this.#points].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
