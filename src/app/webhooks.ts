import type { MaskingEventType } from '../domain/events.ts';
import { MasklineError } from '../domain/errors.ts';
import { createId } from '../lib/id.ts';
import type { WebhookRow } from '../storage/webhook-storage.ts';
import { createWebhookSecret } from '../webhooks-out/sign-webhook.ts';
import { refuseWebhookUrl } from '../webhooks-out/webhook-url.ts';
import type { App } from './app.ts';

/** Deliveries are kept, and can be sent again, for so long. */
export const REPLAY_DAYS = 30;
const DAY_MS = 86_400_000;

/** Subscribes a URL to events. The secret is returned this once and kept sealed. @throws MasklineError MASK_INVALID_REQUEST */
export async function createWebhook(
  app: App,
  params: { readonly tenant: string; readonly url: string; readonly eventTypes: readonly MaskingEventType[] },
): Promise<{ readonly webhook: WebhookRow; readonly secret: string }> {
  const { tenant, eventTypes } = params;
  const url = acceptableUrl(app, params.url);
  const keys = await app.vault.keysOf(tenant);
  const id = createId('whk', app.clock, app.random);
  const secret = createWebhookSecret(app.random);
  const webhook: WebhookRow = {
    tenant,
    id,
    url,
    eventTypes: [...new Set(eventTypes)],
    state: 'enabled',
    disabledReason: null,
    sealedSecret: keys.sealText(secret, { table: 'webhook', row: id }),
    createdAt: app.clock.now(),
  };
  await app.storage.transaction(tenant, async ({ webhooks }) => {
    await webhooks.insert(webhook);
    return webhook;
  });
  return { webhook, secret };
}

/** Changes what is given. Null when there is no such webhook. @throws MasklineError MASK_INVALID_REQUEST */
export async function changeWebhook(
  app: App,
  params: {
    readonly tenant: string;
    readonly id: string;
    readonly url?: string;
    readonly eventTypes?: readonly MaskingEventType[];
    readonly state?: WebhookRow['state'];
  },
): Promise<WebhookRow | null> {
  const { tenant, id, url, eventTypes, state } = params;
  return app.storage.transaction(tenant, async ({ webhooks }) => {
    const before = await webhooks.get(id);
    if (!before) return null;
    const after: WebhookRow = {
      ...before,
      ...(url !== undefined && { url: acceptableUrl(app, url) }),
      ...(eventTypes && { eventTypes: [...new Set(eventTypes)] }),
      ...(state && {
        state,
        disabledReason: state === 'enabled' ? null : 'It was disabled through the API.',
      }),
    };
    await webhooks.update(after);
    return after;
  });
}

/** Lets deliveries be tried again: one, or all that failed since then. Returns how many; null without such a webhook. */
export async function replayWebhook(
  app: App,
  params: {
    readonly tenant: string;
    readonly id: string;
    readonly deliveryId: number | null;
    readonly since: number | null;
  },
): Promise<number | null> {
  const { tenant, id, deliveryId } = params;
  const now = app.clock.now();
  const since = Math.max(params.since ?? 0, now - REPLAY_DAYS * DAY_MS);
  return app.storage.transaction(tenant, async ({ webhooks }) =>
    (await webhooks.get(id)) ? webhooks.replay(id, { id: deliveryId, since }, now) : null,
  );
}

function acceptableUrl(app: App, url: string): string {
  const refusal = refuseWebhookUrl(url, { allowLoopback: app.allowsLoopbackWebhooks === true });
  if (refusal !== null) throw new MasklineError('MASK_INVALID_REQUEST', `The url ${refusal}.`);
  return new URL(url).href;
}
