/** Wakes one waiting loop. A call while nobody waits is remembered once: the loop looks at the state, not at the count. */
export class WakeUp {
  #pending = false;
  #wake: (() => void) | null = null;

  call(): void {
    if (this.#wake) this.#wake();
    else this.#pending = true;
  }

  /** Resolves on the next call, or when `signal` aborts. */
  wait(signal: AbortSignal): Promise<void> {
    if (this.#pending || signal.aborted) {
      this.#pending = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#wake = null;
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
