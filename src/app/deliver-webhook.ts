import type { DeliveryOutcome, DueDelivery } from '../storage/webhook-storage.ts';
import { signedHeaders } from '../webhooks-out/sign-webhook.ts';
import { WebhookRefused, type WebhookSender } from '../webhooks-out/webhook-sender.ts';
import type { App } from './app.ts';
import { webhookBody } from './webhook-payload.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
/** Before the second attempt, the third …: ten attempts over 75 hours, as Standard Webhooks proposes. */
export const RETRY_DELAYS_MS: readonly number[] = [
  5 * SECOND,
  300 * SECOND,
  1_800 * SECOND,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];
/** A tenth more or less, so that what failed together does not come back together. */
const JITTER = 0.1;
const ATTEMPT_TIMEOUT_MS = 15_000;
const GONE = 410;
const ERROR_LENGTH = 200;

/**
 * Makes one attempt at a delivery that was taken, and writes down how it went. Any answer of the 2xx class is the
 * end of it; 410 Gone disables the subscription; everything else, redirects included, is tried again.
 */
export async function deliverWebhook(app: App, send: WebhookSender, delivery: DueDelivery): Promise<void> {
  const { tenant, id } = delivery;
  const result = await attempt(app, send, delivery);
  const outcome = outcomeOf(app, delivery, result);
  await app.storage.run(tenant, async ({ webhooks }) => {
    await webhooks.settle(id, outcome);
    if (result.status !== GONE) return;
    const webhook = await webhooks.get(delivery.webhookId);
    if (webhook)
      await webhooks.update({ ...webhook, state: 'disabled', disabledReason: 'It answered 410 Gone.' });
  });
  app.log.debug(
    { tenant, webhookId: delivery.webhookId, ...result, attempts: outcome.attempts },
    'A webhook was tried.',
  );
}

interface Result {
  readonly status: number | null;
  readonly error: string | null;
}

async function attempt(app: App, send: WebhookSender, delivery: DueDelivery): Promise<Result> {
  const { tenant, webhookId, eventId, url, sealedSecret } = delivery;
  try {
    const keys = await app.vault.keysOf(tenant);
    const secret = keys.openText(sealedSecret, { table: 'webhook', row: webhookId });
    const body = webhookBody(delivery);
    const headers = signedHeaders(secret, { id: eventId, at: app.clock.now(), body });
    const { status } = await send({ url, headers, body }, AbortSignal.timeout(ATTEMPT_TIMEOUT_MS));
    return { status, error: null };
  } catch (error) {
    return { status: null, error: describe(error) };
  }
}

/** What the tenant may read: our own words, or the code of a failed connection; never the text of a stranger. */
function describe(error: unknown): string {
  if (error instanceof WebhookRefused) return error.message.slice(0, ERROR_LENGTH);
  if (!(error instanceof Error)) return 'It failed.';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return `The connection failed (${code}).`.slice(0, ERROR_LENGTH);
}

function outcomeOf(app: App, delivery: DueDelivery, { status, error }: Result): DeliveryOutcome {
  const now = app.clock.now();
  const attempts = delivery.attempts + 1;
  const last = { attempts, lastStatus: status, lastError: error };
  if (status !== null && status >= 200 && status < 300) {
    return { ...last, state: 'delivered', nextAt: null, settledAt: now };
  }
  const delay = status === GONE ? undefined : RETRY_DELAYS_MS[attempts - 1];
  if (delay === undefined) return { ...last, state: 'failed', nextAt: null, settledAt: now };
  const jittered = delay * (1 - JITTER + 2 * JITTER * app.random.next());
  return { ...last, state: 'waiting', nextAt: now + Math.round(jittered), settledAt: null };
}
