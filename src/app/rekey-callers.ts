import type { IndexedCallerKey, Sealed, TenantKeys } from '../privacy/vault.ts';
import type { LonelyRoute, RouteKey, SealedParticipant } from '../storage/privacy-storage.ts';
import type { App } from './app.ts';
import { forEachPage } from './for-each-page.ts';
import { routePlace } from './route-place.ts';

/** Sessions at a time, each a transaction: as many connections of the pool as calls can spare. */
const AT_ONCE = 4;

/**
 * Gives every route a twin under this index key, if it has none. Returns how many it added. A caller whose number
 * is gone, or has changed since, leaves nothing to make one of.
 */
export async function addTwins(
  app: App,
  tenant: string,
  indexKeyId: number,
  signal: AbortSignal,
): Promise<number> {
  let added = 0;
  await forEachPage<{ readonly sessionId: string; readonly reference: string }>(
    signal,
    (after, limit) =>
      app.storage.run(tenant, (s) => s.privacy.sessionsToRekey(indexKeyId, after?.sessionId ?? null, limit)),
    async (sessions) => {
      const keys = await app.vault.keysOf(tenant);
      const waiting = [...new Map(sessions.map((one) => [one.sessionId, one])).values()];
      const work = async (): Promise<void> => {
        for (let one = waiting.pop(); one && !signal.aborted; one = waiting.pop()) {
          const twins = await addTwinsOf(app, tenant, keys, { ...one, indexKeyId });
          added += twins;
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    },
  );
  return added;
}

/** The order is locked, as by everything that ends a route: a twin must not outlive it. */
function addTwinsOf(
  app: App,
  tenant: string,
  keys: TenantKeys,
  of: { readonly sessionId: string; readonly reference: string; readonly indexKeyId: number },
): Promise<number> {
  return app.storage.transaction(tenant, async (storage) => {
    await storage.references.lock(of.reference);
    const routes = await storage.privacy.lonelyRoutes(of.sessionId, of.indexKeyId);
    const twins = routes.flatMap((route) => twinOf(keys, route, of.indexKeyId));
    for (const { route, twin } of twins) await storage.privacy.addTwin(route, twin);
    return twins.length;
  });
}

/** Makes the caller keys of participants anew, and deletes the routes that are not under this index key. */
export async function leaveOtherIndexKeys(
  app: App,
  tenant: string,
  indexKeyId: number,
  signal: AbortSignal,
): Promise<void> {
  await forEachPage<SealedParticipant>(
    signal,
    (after, limit) =>
      app.storage.run(tenant, (s) => s.privacy.participantsNotUnder(indexKeyId, after, limit)),
    async (rows) => {
      const keys = await app.vault.keysOf(tenant);
      const renamed = rows.flatMap(({ sessionId, id, sealedNumber, participantKey }) => {
        // Erased, and put back by a backup: nobody can be called by it, so nobody needs to be recognised by it.
        if (!participantKey) return [];
        const number = keys.openNumber(sealedNumber, { table: 'participant', row: id }, participantKey);
        return [{ sessionId, id, ...keys.callerKeys(number)[0] }];
      });
      await app.storage.run(tenant, (s) => s.privacy.setCallerKeys(renamed));
    },
  );
  await forEachPage<RouteKey>(
    signal,
    (after, limit) =>
      app.storage.run(tenant, (s) => s.privacy.deleteRoutesNotUnder(indexKeyId, after, limit)),
    async () => {},
  );
}

function twinOf(
  keys: TenantKeys,
  route: LonelyRoute,
  indexKeyId: number,
): { route: LonelyRoute; twin: IndexedCallerKey & { sealedDestination: Sealed } }[] {
  const { callerSealedNumber, callerParticipantKey, participantKey, callingParticipant, virtualNumber } =
    route;
  if (!callerSealedNumber || !callerParticipantKey || !participantKey) return [];
  const place = { table: 'participant', row: callingParticipant } as const;
  const known = keys.callerKeys(keys.openNumber(callerSealedNumber, place, callerParticipantKey));
  // The person may have another number since: then this route is of the old one, and rests.
  if (!known.some(({ callerKey }) => Buffer.compare(callerKey, route.callerKey) === 0)) return [];
  const key = known.find((one) => one.indexKeyId === indexKeyId);
  if (!key) return [];
  const destination = keys.openNumber(
    route.sealedDestination,
    routePlace(virtualNumber, route.callerKey),
    participantKey,
  );
  const sealedDestination = keys.sealNumber(
    destination,
    routePlace(virtualNumber, key.callerKey),
    participantKey,
  );
  return [{ route, twin: { ...key, sealedDestination } }];
}
