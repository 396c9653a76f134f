import type { IndexedCallerKey, Sealed, TenantKeys } from '../privacy/vault.ts';
import type {
  LonelyRoute,
  ParticipantPlace,
  RouteKey,
  RouteToRekey,
  SealedParticipant,
} from '../storage/privacy-storage.ts';
import type { App } from './app.ts';
import { forEachPage } from './for-each-page.ts';
import { giveWay } from './give-way.ts';
import { routePlace } from './route-place.ts';

/** Routes that are looked at by one statement. */
const ROUTES = 1_000;
/** Pages at a time: while one is written, the next is read. Calls need the other connections, and the processors. */
const AT_ONCE = 2;
/** Sessions of a transaction: their orders are locked for some ten milliseconds, for which somebody may wait who ends one. */
const SESSIONS = 50;

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
  await forEachPage<RouteToRekey, string>(
    signal,
    async (after) => {
      const rows = await app.storage.run(tenant, (s) => s.privacy.sessionsToRekey(indexKeyId, after, ROUTES));
      if (rows.length < ROUTES) return { rows, next: null };
      const last = rows.at(-1)?.sessionId ?? '';
      // Of a full page, the last session may be cut: it comes with the next one. None has as many routes as a page.
      const whole = rows.filter(({ sessionId }) => sessionId !== last);
      return { rows: whole, next: whole.at(-1)?.sessionId ?? last };
    },
    async (rows) => {
      const lonely = new Map(rows.filter((row) => row.lonely).map((row) => [row.sessionId, row]));
      const keys = await app.vault.keysOf(tenant);
      const waiting = [...lonely.values()];
      while (waiting.length > 0 && !signal.aborted) {
        const since = app.clock.now();
        const twins = await addTwinsOf(app, tenant, keys, waiting.splice(0, SESSIONS), indexKeyId);
        added += twins;
        await giveWay(app.clock, since);
      }
    },
    AT_ONCE,
  );
  return added;
}

/** The orders are locked, as by everything that ends a route: a twin must not outlive it. */
function addTwinsOf(
  app: App,
  tenant: string,
  keys: TenantKeys,
  sessions: readonly { readonly sessionId: string; readonly reference: string }[],
  indexKeyId: number,
): Promise<number> {
  return app.storage.transaction(tenant, async (storage) => {
    await storage.privacy.lockReferences(sessions.map(({ reference }) => reference));
    const sessionIds = sessions.map(({ sessionId }) => sessionId);
    const routes = await storage.privacy.lonelyRoutes(sessionIds, indexKeyId);
    const twins = routes.flatMap((route) => twinOf(keys, route, indexKeyId));
    if (twins.length > 0) await storage.privacy.addTwins(twins);
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
  await renameCallers(app, tenant, indexKeyId, signal);
  await forEachPage<never, RouteKey>(
    signal,
    async (after, limit) => {
      const since = app.clock.now();
      const page = await app.storage.run(tenant, (s) =>
        s.privacy.deleteRoutesNotUnder(indexKeyId, after, limit),
      );
      await giveWay(app.clock, since);
      return page;
    },
    async () => {},
  );
}

function renameCallers(app: App, tenant: string, indexKeyId: number, signal: AbortSignal): Promise<void> {
  return forEachPage<SealedParticipant, ParticipantPlace>(
    signal,
    (after, limit) =>
      app.storage.run(tenant, (s) => s.privacy.participantsNotUnder(indexKeyId, after, limit)),
    async (rows) => {
      const since = app.clock.now();
      const keys = await app.vault.keysOf(tenant);
      const renamed = rows.flatMap(({ sessionId, id, sealedNumber, participantKey }) => {
        // Erased, and put back by a backup: nobody can be called by it, so nobody needs to be recognised by it.
        if (!participantKey) return [];
        const number = keys.openNumber(sealedNumber, { table: 'participant', row: id }, participantKey);
        return [{ sessionId, id, ...keys.callerKeys(number)[0] }];
      });
      await app.storage.run(tenant, (s) => s.privacy.setCallerKeys(renamed));
      await giveWay(app.clock, since);
    },
    AT_ONCE,
  );
}

function twinOf(
  keys: TenantKeys,
  route: LonelyRoute,
  indexKeyId: number,
): { of: LonelyRoute; twin: IndexedCallerKey & { sealedDestination: Sealed } }[] {
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
  return [{ of: route, twin: { ...key, sealedDestination } }];
}
