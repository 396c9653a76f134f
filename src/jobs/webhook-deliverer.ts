import type { App } from '../app/app.ts';
import { deliverWebhook } from '../app/deliver-webhook.ts';
import type { WebhookSender } from '../webhooks-out/webhook-sender.ts';
import type { Job } from './job.ts';

/** Attempts that run at once in one replica. */
const CONCURRENCY = 10;
/** Longer than an attempt may last: afterwards the replica that took a delivery counts as gone. */
const TAKEN_MS = 60_000;

/** Sends what is due to the webhooks of the tenants. Any number of replicas may do it: each takes its own. */
export function webhookDeliverer(app: App, { send }: { readonly send: WebhookSender }): Job {
  return {
    name: 'webhook-deliverer',
    intervalMs: 1_000,
    wake: null,
    async run(signal) {
      while (!signal.aborted) {
        const now = app.clock.now();
        const due = await app.storage.webhooks.take(now, now + TAKEN_MS, CONCURRENCY);
        await Promise.all(due.map((delivery) => deliverWebhook(app, send, delivery)));
        if (due.length < CONCURRENCY) return;
      }
    },
  };
}
