import { ProviderError } from './provider.ts';

/**
 * Runs what is left to do once a number may have been bought. A refusal is then no refusal of the purchase: it is
 * reported as `unavailable`, so that the number is looked for in the provider's list and not bought again.
 */
export async function afterPurchase<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (!(cause instanceof ProviderError)) throw cause;
    if (cause.code === 'unavailable' || cause.code === 'number_not_available') throw cause;
    const message =
      'A number was bought, but could not be set up: the list of numbers tells whether it is ours.';
    throw new ProviderError('unavailable', message, { cause });
  }
}
