import type {
  ParticipantPlace,
  RouteKey,
  SealedParticipant,
  SealedRoute,
} from '../storage/privacy-storage.ts';
import type { WebhookRow } from '../storage/webhook-storage.ts';
import type { App } from './app.ts';
import { forEachPage } from './for-each-page.ts';
import { giveWay } from './give-way.ts';
import { routePlace } from './route-place.ts';

/** Pages: while one is written, the next is read and sealed. Calls need the other connections, and the processors. */
const AT_ONCE = 2;

/**
 * Seals anew, under the keys of today, whatever these keys sealed: numbers of participants, destinations of routes,
 * credentials and secrets. A row that changes meanwhile is left alone, and found in the next round. Returns how many numbers
 * it found: 0 says that none is left, unless `signal` broke it off.
 */
export async function resealUnder(
  app: App,
  tenant: string,
  keyIds: readonly number[],
  signal: AbortSignal,
): Promise<number> {
  let found = 0;
  const note = ({ length }: readonly unknown[]): void => {
    found += length;
  };
  await resealParticipants(app, tenant, { keyIds, note }, signal);
  await resealRoutes(app, tenant, { keyIds, note }, signal);
  if (!signal.aborted) await resealSecrets(app, tenant, signal);
  return found;
}

interface Resealing {
  readonly keyIds: readonly number[];
  note(rows: readonly unknown[]): void;
}

function resealParticipants(
  app: App,
  tenant: string,
  { keyIds, note }: Resealing,
  signal: AbortSignal,
): Promise<void> {
  return forEachPage<SealedParticipant, ParticipantPlace>(
    signal,
    (after, limit) => app.storage.run(tenant, (s) => s.privacy.participantsSealedWith(keyIds, after, limit)),
    async (rows) => {
      note(rows);
      const since = app.clock.now();
      const keys = await app.vault.keysOf(tenant);
      const resealed = rows.flatMap(({ sessionId, id, sealedNumber, participantKey }) => {
        if (!participantKey) return [];
        const place = { table: 'participant', row: id } as const;
        const number = keys.openNumber(sealedNumber, place, participantKey);
        return [
          { sessionId, id, before: sealedNumber, after: keys.sealNumber(number, place, participantKey) },
        ];
      });
      await app.storage.run(tenant, (s) => s.privacy.resealParticipants(resealed));
      await giveWay(app.clock, since);
    },
    AT_ONCE,
  );
}

function resealRoutes(
  app: App,
  tenant: string,
  { keyIds, note }: Resealing,
  signal: AbortSignal,
): Promise<void> {
  return forEachPage<SealedRoute, RouteKey>(
    signal,
    (after, limit) => app.storage.run(tenant, (s) => s.privacy.routesSealedWith(keyIds, after, limit)),
    async (rows) => {
      note(rows);
      const since = app.clock.now();
      const keys = await app.vault.keysOf(tenant);
      const resealed = rows.flatMap(({ virtualNumber, callerKey, sealedDestination, participantKey }) => {
        if (!participantKey) return [];
        const place = routePlace(virtualNumber, callerKey);
        const number = keys.openNumber(sealedDestination, place, participantKey);
        const after = keys.sealNumber(number, place, participantKey);
        return [{ virtualNumber, callerKey, before: sealedDestination, after }];
      });
      await app.storage.run(tenant, (s) => s.privacy.resealRoutes(resealed));
      await giveWay(app.clock, since);
    },
    AT_ONCE,
  );
}

/** Few, so that each is sealed anew without asking by which key it is. */
async function resealSecrets(app: App, tenant: string, signal: AbortSignal): Promise<void> {
  const keys = await app.vault.keysOf(tenant);
  const accounts = await app.storage.system.providerAccountList();
  for (const row of accounts.filter((account) => account.tenant === tenant)) {
    const place = { table: 'provider_account', row: row.id } as const;
    const sealedCredentials = keys.sealText(keys.openText(row.sealedCredentials, place), place);
    await app.storage.run(tenant, (s) => s.providerAccounts.update({ ...row, sealedCredentials }));
  }
  await forEachPage<WebhookRow, string>(
    signal,
    async (after, limit) => {
      const rows = await app.storage.run(tenant, (s) => s.webhooks.list({ limit, after }));
      return { rows, next: rows.length < limit ? null : (rows.at(-1)?.id ?? null) };
    },
    async (webhooks) => {
      for (const row of webhooks) {
        const place = { table: 'webhook', row: row.id } as const;
        const sealedSecret = keys.sealText(keys.openText(row.sealedSecret, place), place);
        await app.storage.run(tenant, (s) => s.webhooks.update({ ...row, sealedSecret }));
      }
    },
  );
}
