import type { SealedParticipant, SealedRoute } from '../storage/privacy-storage.ts';
import type { WebhookRow } from '../storage/webhook-storage.ts';
import type { App } from './app.ts';
import { forEachPage } from './for-each-page.ts';
import { routePlace } from './route-place.ts';

/**
 * Seals anew, under the keys of today, whatever these keys sealed: numbers of participants, destinations of routes,
 * credentials and secrets. A row that changes meanwhile is left alone, and found in the next round.
 */
export async function resealUnder(
  app: App,
  tenant: string,
  keyIds: readonly number[],
  signal: AbortSignal,
): Promise<void> {
  await resealParticipants(app, tenant, keyIds, signal);
  await resealRoutes(app, tenant, keyIds, signal);
  if (!signal.aborted) await resealSecrets(app, tenant, signal);
}

function resealParticipants(
  app: App,
  tenant: string,
  keyIds: readonly number[],
  signal: AbortSignal,
): Promise<void> {
  return forEachPage<SealedParticipant>(
    signal,
    (after, limit) => app.storage.run(tenant, (s) => s.privacy.participantsSealedWith(keyIds, after, limit)),
    async (rows) => {
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
    },
  );
}

function resealRoutes(
  app: App,
  tenant: string,
  keyIds: readonly number[],
  signal: AbortSignal,
): Promise<void> {
  return forEachPage<SealedRoute>(
    signal,
    (after, limit) => app.storage.run(tenant, (s) => s.privacy.routesSealedWith(keyIds, after, limit)),
    async (rows) => {
      const keys = await app.vault.keysOf(tenant);
      const resealed = rows.flatMap(({ virtualNumber, callerKey, sealedDestination, participantKey }) => {
        if (!participantKey) return [];
        const place = routePlace(virtualNumber, callerKey);
        const number = keys.openNumber(sealedDestination, place, participantKey);
        const after = keys.sealNumber(number, place, participantKey);
        return [{ virtualNumber, callerKey, before: sealedDestination, after }];
      });
      await app.storage.run(tenant, (s) => s.privacy.resealRoutes(resealed));
    },
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
  await forEachPage<WebhookRow>(
    signal,
    (after, limit) => app.storage.run(tenant, (s) => s.webhooks.list({ limit, after: after?.id ?? null })),
    async (webhooks) => {
      for (const row of webhooks) {
        const place = { table: 'webhook', row: row.id } as const;
        const sealedSecret = keys.sealText(keys.openText(row.sealedSecret, place), place);
        await app.storage.run(tenant, (s) => s.webhooks.update({ ...row, sealedSecret }));
      }
    },
  );
}
