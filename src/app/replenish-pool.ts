import type { Pool, StockPolicy } from '../domain/pool.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import { createId } from '../lib/id.ts';
import { ProviderError } from '../providers/provider.ts';
import type { IntentRow } from '../storage/storage.ts';
import { adoptNumber, webhookUrls } from './adopt-number.ts';
import type { App, ProviderAccount } from './app.ts';
import { LIMITS } from './limits.ts';
import { raiseEvent } from './raise-event.ts';
import { reconcileIntents } from './reconcile-intents.ts';

/** Where numbers are bought for a pool that names no country; every provider that we know sells there. */
const DEFAULT_COUNTRIES = ['US'];

export interface Replenished {
  readonly bought: number;
  /** the provider asked us to wait this long, or null */
  readonly retryAfterSeconds: number | null;
}

/**
 * Buys numbers for one pool if it runs low: up to `target` to spare and what the placed orders will need, never
 * beyond `max` in all. One replica at a time, by lease of the caller.
 *
 * Buying is a saga, because the answer to a purchase can be lost although the purchase was made: an intent row
 * is committed first, then the provider is asked, then the number and the settled intent are one transaction.
 * Whatever is left unsettled is looked for in the provider's list before anything more is bought.
 */
export async function replenishPool(app: App, tenant: string, poolName: string): Promise<Replenished> {
  const pool = await app.storage.run(tenant, (storage) => storage.pools.get(poolName));
  if (!pool?.stock) return { bought: 0, retryAfterSeconds: null };
  const account = await app.providerAccounts.byName(tenant, pool.stock.providerAccount);
  if (!account) {
    app.log.error(
      { pool: poolName, account: pool.stock.providerAccount },
      'The account of this pool cannot be used.',
    );
    return { bought: 0, retryAfterSeconds: null };
  }
  try {
    await reconcileIntents(app, account);
    const missing = await shortage(app, tenant, pool, pool.stock);
    return { bought: await buy(app, account, pool, missing), retryAfterSeconds: null };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    app.log.warn(
      { error, pool: poolName, account: account.name },
      'Numbers could not be bought; trying again later.',
    );
    return { bought: 0, retryAfterSeconds: error.retryAfterSeconds };
  }
}

/** How many numbers are to be bought now. Announces a pool that has become low. */
async function shortage(app: App, tenant: string, pool: Pool, stock: StockPolicy): Promise<number> {
  const now = app.clock.now();
  const level = await app.storage.run(tenant, async (storage) => ({
    held: await storage.virtualNumbers.countHeld(pool.name),
    unsettled: await storage.intents.countUnsettled(pool.name),
    awaited: await storage.references.awaited(pool.name, now - LIMITS.demandSeconds * 1_000),
    pending: await storage.sessions.countPending(pool.name),
    inService: await storage.pools.spare(pool.name, now, stock.max),
  }));
  // A dedicated session takes two numbers out of the stock. A shared one takes none: there the person with the
  // fewest numbers left to choose from tells how much there is to spare.
  const noted = pool.mode === 'shared' ? app.stockWatch.takeHeadroom(tenant, pool.name) : null;
  const spare =
    pool.mode === 'shared' ? Math.min(level.inService, noted ?? level.inService) : level.inService;
  const comingDemand = (pool.mode === 'dedicated' ? level.awaited + level.pending : level.pending) * 2;
  const isLow = spare - comingDemand < stock.lowWater;
  if (app.stockWatch.becameLow(tenant, pool.name, isLow)) {
    const data = { pool: pool.name, idle: spare, inService: level.inService, lowWater: stock.lowWater };
    await app.storage.run(tenant, (s) => s.outboxAppend([raiseEvent(app, 'pool.low', pool.name, data)]));
    app.wake.outbox.raise();
  }
  if (!isLow) return 0;
  const room = stock.max - level.held - level.unsettled;
  const wanted = stock.target + comingDemand - spare - level.unsettled;
  return Math.max(0, Math.min(wanted, room));
}

async function buy(app: App, account: ProviderAccount, pool: Pool, missing: number): Promise<number> {
  let bought = 0;
  for (const country of pool.countries.length > 0 ? pool.countries : DEFAULT_COUNTRIES) {
    while (bought < missing) {
      const limit = Math.min(missing - bought, LIMITS.provisionBatch);
      const onSale = await account.provider.searchNumbers({ country, limit }, timeout());
      if (onSale.length === 0) break;
      const before = bought;
      for (let i = 0; i < onSale.length; i += LIMITS.provisionConcurrency) {
        const slice = onSale.slice(i, i + LIMITS.provisionConcurrency);
        const outcomes = await Promise.allSettled(
          slice.map((offer) => buyOne(app, account, pool.name, offer.virtualNumber)),
        );
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') throw outcome.reason;
          if (outcome.value) bought++;
        }
      }
      // What was offered went to somebody else: the next search offers others, but not for ever.
      if (bought === before) break;
    }
  }
  return bought;
}

/** Returns false when somebody else was quicker. @throws ProviderError when buying is to stop for now */
async function buyOne(
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
  if (!(await app.storage.run(tenant, (storage) => storage.intents.insert(intent)))) return false;
  try {
    const held = await account.provider.provisionNumber(virtualNumber, webhookUrls(account), timeout());
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

function timeout(): AbortSignal {
  return AbortSignal.timeout(LIMITS.providerTimeoutMs);
}
