import { StorageError } from '../storage-error.ts';

/** The engine has stopped for good, as a server does that panics. What it had committed is in the files. */
export class EngineDiedError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EngineDiedError';
  }
}

/** What a statement fails with when its engine died under it or before it. */
export function diedError(death: EngineDiedError): StorageError {
  const full = /no space left on device|disk quota exceeded/i.test(death.message);
  return new StorageError(full ? 'full' : 'unavailable', `The embedded database stopped: ${death.message}`);
}
