import type { Clock } from '../lib/clock.ts';

/** A new account is found, and a removed one is not asked about any more, after so long. */
const FRESH_MS = 1_000;

/**
 * Which account ids there are. Whoever floods us with webhooks to accounts that do not exist costs one statement a
 * second, and not one each: before storage is asked for an account, its id has to be in this list.
 */
export class AccountIds {
  readonly #load: () => Promise<readonly string[]>;
  readonly #clock: Clock;
  #ids: ReadonlySet<string> = new Set();
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | null = null;

  constructor(load: () => Promise<readonly string[]>, clock: Clock) {
    this.#load = load;
    this.#clock = clock;
  }

  /** @throws StorageError */
  async has(id: string): Promise<boolean> {
    if (this.#ids.has(id)) return true;
    const now = this.#clock.now();
    if (this.#asking === null && Math.abs(now - this.#askedAt) < FRESH_MS) return false;
    this.#asking ??= this.#ask(now).finally(() => {
      this.#asking = null;
    });
    await this.#asking;
    return this.#ids.has(id);
  }

  /** It was in the list, and storage does not know it any more. */
  forget(id: string): void {
    this.#ids = new Set([...this.#ids].filter((known) => known !== id));
  }

  async #ask(now: number): Promise<void> {
    this.#ids = new Set(await this.#load());
    this.#askedAt = now;
  }
}
