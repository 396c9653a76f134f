import { AsyncLocalStorage } from 'node:async_hooks';
import { invariant } from '../lib/assert.ts';

interface RunningTransaction {
  open: boolean;
}

/**
 * Says at once when a transaction asks the database again behind the back of its own connection. On PGlite that
 * would wait for itself; on a pool it would work until every connection waits for another.
 */
export class TransactionGuard {
  readonly #running = new AsyncLocalStorage<RunningTransaction>();

  assertOutside(): void {
    invariant(
      this.#running.getStore()?.open !== true,
      'a transaction asked the database other than through its own connection',
    );
  }

  async inside<T>(work: () => Promise<T>): Promise<T> {
    const transaction: RunningTransaction = { open: true };
    try {
      return await this.#running.run(transaction, work);
    } finally {
      transaction.open = false;
    }
  }
}
