import { MasklineError } from '../domain/errors.ts';
import type { App, Cause } from './app.ts';

export interface PlaceReferenceParams {
  readonly tenant: string;
  readonly reference: string;
  readonly pool: string;
  readonly cause: Cause;
}

/**
 * An order was placed, so a session will be wanted soon: the pool's expected demand grows, and numbers are
 * bought ahead if there are not enough.
 */
export async function placeReference(
  app: App,
  params: PlaceReferenceParams,
): Promise<'applied' | 'duplicate'> {
  const { tenant, reference, cause } = params;
  const result = await app.storage.transaction(tenant, async (storage) => {
    if (!(await storage.inboxInsert(cause.source, cause.eventId, app.clock.now()))) return 'duplicate';
    if (!(await storage.pools.get(params.pool))) {
      throw new MasklineError(
        'MASK_UNKNOWN_POOL',
        `There is no pool "${params.pool}". Create it with POST /v1/pools.`,
      );
    }
    await storage.references.place(reference, params.pool, app.clock.now());
    return 'applied';
  });
  if (result === 'applied') app.wake.stock.raise();
  return result;
}
