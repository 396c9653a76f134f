import type { UnsignedWebhook, WebhookBench } from '../conformance-bench.ts';

/** The same webhooks, sent to `base` instead of where the bench sends them. They are signed afterwards. */
export function relocateWebhooks(webhooks: WebhookBench, base: string): WebhookBench {
  const move = (webhook: UnsignedWebhook): UnsignedWebhook => {
    const { pathname, search } = new URL(webhook.url);
    return { ...webhook, url: `${base}${pathname.slice(pathname.lastIndexOf('/'))}${search}` };
  };
  return {
    ...webhooks,
    answer: (fields) => move(webhooks.answer(fields)),
    status: (fields) => move(webhooks.status(fields)),
    message: (fields) => move(webhooks.message(fields)),
  };
}
