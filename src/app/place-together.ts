import { MasklineError } from '../domain/errors.ts';
import type { App } from './app.ts';
import { type ChangeOutcome, changeTogether } from './change-together.ts';
import { LotsByKind } from './lots-by-kind.ts';
import type { PlaceReferenceParams } from './place-reference.ts';

const lots = new LotsByKind<PlaceReferenceParams, ChangeOutcome>('orders that were placed');

/** `placeReference` together with others that are asked for at the same time. `deferred`: nothing was done. */
export function placeTogether(app: App, params: PlaceReferenceParams): Promise<ChangeOutcome> {
  const { tenant, pool } = params;
  const handle = (requests: readonly PlaceReferenceParams[]) => placeReferences(app, tenant, pool, requests);
  return lots.ask(app.storage, JSON.stringify([tenant, pool]), handle, params);
}

async function placeReferences(
  app: App,
  tenant: string,
  pool: string,
  requests: readonly PlaceReferenceParams[],
): Promise<readonly ChangeOutcome[]> {
  const outcomes = await changeTogether(app, tenant, requests, async (storage, fresh) => {
    // One by one they are told why.
    if (!(await storage.pools.get(pool))) throw new MasklineError('MASK_UNKNOWN_POOL', `No pool "${pool}".`);
    await storage.endings.placeReferences(fresh, app.clock.now());
  });
  if (outcomes.includes('applied')) app.wake.stock.raise();
  return outcomes;
}
