import type { EndingSession } from '../storage/ending-storage.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { App } from './app.ts';
import { type ChangeOutcome, changeTogether } from './change-together.ts';
import { announceClosed } from './close-session.ts';
import { closeSessions, countByPool } from './close-sessions.ts';
import type { EndReferenceParams } from './end-reference.ts';
import { LotsByKind } from './lots-by-kind.ts';

const lots = new LotsByKind<EndReferenceParams, ChangeOutcome>('ends of orders');

/** `endReference` together with others that are asked for at the same time. `deferred`: nothing was done. */
export function endTogether(app: App, params: EndReferenceParams): Promise<ChangeOutcome> {
  const { tenant, reason } = params;
  const handle = (requests: readonly EndReferenceParams[]) => endReferences(app, tenant, reason, requests);
  return lots.ask(app.storage, JSON.stringify([tenant, reason]), handle, params);
}

async function endReferences(
  app: App,
  tenant: string,
  reason: EndReferenceParams['reason'],
  requests: readonly EndReferenceParams[],
): Promise<readonly ChangeOutcome[]> {
  let closed: readonly EndingSession[] = [];
  const outcomes = await changeTogether(app, tenant, requests, async (storage, fresh) => {
    const references = await notEnded(storage, fresh);
    if (references.length === 0) return;
    await storage.endings.endReferences(references, reason, app.clock.now());
    closed = await storage.endings.liveSessions(references);
    await storage.outboxAppend(await closeSessions(app, storage, closed, reason));
  });
  // What was rolled back was not closed.
  if (!outcomes.includes('applied')) return outcomes;
  for (const [pool, count] of countByPool(closed)) announceClosed(app, pool, reason, count);
  return outcomes;
}

/** Locks the orders; those that nobody had heard of are made, so that their end is known when they come. */
async function notEnded(
  storage: TenantStorage,
  requests: readonly EndReferenceParams[],
): Promise<readonly string[]> {
  const orders = requests.map(({ reference }) => ({ reference, assignment: null }));
  const { fresh, known } = await storage.assignments.takeReferences(orders, null);
  return orders.flatMap(({ reference }) =>
    fresh.has(reference) || known.get(reference)?.endedReason === null ? [reference] : [],
  );
}
