/**
 * An edge that can be waited for. Raising it twice before somebody waits counts once: the waiter is expected
 * to look at the state of the world, not to count.
 */
export class Signal {
  #raised = false;
  #waiters = new Set<() => void>();

  raise(): void {
    if (this.#waiters.size === 0) {
      this.#raised = true;
      return;
    }
    const waiters = this.#waiters;
    this.#waiters = new Set();
    for (const wake of waiters) wake();
  }

  /** Resolves when raised, or when `abort` fires. It never rejects. */
  wait(abort: AbortSignal): Promise<void> {
    if (this.#raised || abort.aborted) {
      this.#raised = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiters.delete(wake);
        abort.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiters.add(wake);
      abort.addEventListener('abort', wake, { once: true });
    });
  }
}
