/** Long enough for an answer to arrive before it is asked for again, short enough to look immediate. */
const PAUSE_MS = 120;

/**
 * Passes on the first key at once, and what comes within the pause after it together. Without this a busy hour
 * would ask again faster than answers come, and each question would cancel the one before it.
 */
export class NoticeBatcher {
  readonly #flush: (keys: readonly (readonly string[])[]) => void;
  readonly #waiting = new Map<string, readonly string[]>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(flush: (keys: readonly (readonly string[])[]) => void) {
    this.#flush = flush;
  }

  add(keys: readonly (readonly string[])[]): void {
    for (const key of keys) this.#waiting.set(JSON.stringify(key), key);
    if (this.#timer === undefined) this.#pass();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
  }

  #pass(): void {
    this.#timer = undefined;
    if (this.#waiting.size === 0) return;
    const keys = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#timer = setTimeout(() => this.#pass(), PAUSE_MS);
    this.#flush(keys);
  }
}
