import type { VirtualNumber } from '../domain/virtual-number.ts';
import { createId } from '../lib/id.ts';
import { ProviderError } from '../providers/provider.ts';
import type { IntentRow } from '../storage/intent-storage.ts';
import { adoptNumber, webhookUrls } from './adopt-number.ts';
import type { App, ProviderAccount } from './app.ts';
import { askProvider } from './ask-provider.ts';
import { reserveIntent } from './reserve-intent.ts';

/**
 * Buys one number into a pool: the intent first, then the order, then the number. Returns false when somebody
 * else was quicker. @throws ProviderError when buying is to stop for now @throws BudgetSpentError
 */
export async function buyNumber(
  app: App,
  account: ProviderAccount,
  pool: string,
  virtualNumber: VirtualNumber,
): Promise<boolean> {
  const { tenant } = account;
  const now = app.clock.now();
  const intent: IntentRow = {
    id: createId('int', app.clock, app.random),
    kind: 'provision',
    providerAccount: account.name,
    pool,
    virtualNumber,
    state: 'asked',
    createdAt: now,
    updatedAt: now,
    attempts: 1,
  };
  if (!(await reserveIntent(app, tenant, intent))) return false;
  try {
    const held = await askProvider(app, account, (provider, signal) =>
      provider.provisionNumber(virtualNumber, webhookUrls(account), signal),
    );
    return await adoptNumber(app, account, intent, held);
  } catch (error) {
    app.metrics.provisioned.inc({ pool, outcome: error instanceof ProviderError ? error.code : 'failed' });
    // `unavailable` leaves the intent open: the purchase may have been made, and the list will tell.
    if (!(error instanceof ProviderError) || error.code === 'unavailable') throw error;
    await app.storage.run(tenant, (s) =>
      s.intents.setState(intent.id, 'failed', app.clock.now(), error.code),
    );
    if (error.code === 'number_not_available') return false;
    throw error;
  }
}
