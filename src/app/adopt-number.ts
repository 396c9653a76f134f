import { VirtualNumberState } from '../domain/virtual-number.ts';
import type { NumberHeld, WebhookUrls } from '../providers/provider.ts';
import type { IntentRow } from '../storage/intent-storage.ts';
import type { App, ProviderAccount } from './app.ts';
import { raiseEvent } from './raise-event.ts';
import { stopLoops } from './stop-loops.ts';

/** The number is ours: it enters the pool, and its intent is settled, in one transaction. */
export async function adoptNumber(
  app: App,
  account: ProviderAccount,
  intent: IntentRow,
  held: NumberHeld,
): Promise<boolean> {
  const { pool } = intent;
  const keys = await app.vault.keysOf(account.tenant);
  const added = await app.storage.transaction(account.tenant, async (storage) => {
    const inserted = await storage.virtualNumbers.insert({
      virtualNumber: held.virtualNumber,
      pool,
      providerAccount: account.name,
      providerNumberId: held.providerNumberId,
      capabilities: held.capabilities,
      state: VirtualNumberState.InService,
      createdAt: app.clock.now(),
    });
    await storage.intents.setState(intent.id, 'done', app.clock.now(), null);
    if (inserted) {
      await stopLoops(storage, keys, held.virtualNumber, app.clock.now());
      const data = { virtualNumber: held.virtualNumber, pool, providerAccount: account.name };
      await storage.outboxAppend([raiseEvent(app, 'virtual_number.provisioned', held.virtualNumber, data)]);
    }
    return inserted;
  });
  if (added) {
    app.metrics.provisioned.inc({ pool, outcome: 'bought' });
    app.wake.outbox.raise();
    app.wake.pending.raise();
  }
  return added;
}

export function webhookUrls(account: ProviderAccount): WebhookUrls {
  const base = account.webhookBase;
  return { answer: `${base}/answer`, status: `${base}/status`, message: `${base}/message` };
}
