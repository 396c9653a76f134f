import { type Pool, type StockPolicy, stockAccounts } from '../domain/pool.ts';
import { ProviderError } from '../providers/provider.ts';
import type { App, ProviderAccount } from './app.ts';
import { askProvider } from './ask-provider.ts';
import { buyNumber } from './buy-number.ts';
import { LIMITS } from './limits.ts';
import { requestForStock } from './purchase-approvals.ts';
import { raiseEvent } from './raise-event.ts';
import { reconcileIntents } from './reconcile-intents.ts';
import { BudgetSpentError } from './reserve-intent.ts';

/** Where numbers are bought for a pool that names no country; every provider that we know sells there. */
const DEFAULT_COUNTRIES = ['US'];

export interface Replenished {
  readonly bought: number;
}

interface Progress {
  bought: number;
  readonly mayGoOn: () => Promise<boolean>;
}

/**
 * Buys numbers for one pool if it runs low: up to `target` to spare and what the placed orders will need, never
 * beyond `max` in all. One replica at a time, by lease of the caller, who is asked again before every few purchases: a
 * provider may take longer to answer than a lease lasts, and a process may be stopped for any time.
 *
 * Buying is a saga, because the answer to a purchase can be lost although the purchase was made: an intent row
 * is committed first, then the provider is asked, then the number and the settled intent are one transaction.
 * Whatever is left unsettled is looked for in the provider's list before anything more is bought.
 *
 * The pool's accounts are tried in order. One that fails, is left alone by its breaker or has spent its budget
 * is passed over, and the next one sells.
 */
export async function replenishPool(
  app: App,
  tenant: string,
  poolName: string,
  mayGoOn: () => Promise<boolean> = async () => true,
): Promise<Replenished> {
  const progress: Progress = { bought: 0, mayGoOn };
  const pool = await app.storage.run(tenant, (storage) => storage.pools.get(poolName));
  if (!pool?.stock) return progress;
  for (const name of stockAccounts(pool.stock)) {
    const account = await app.providerAccounts.byName(tenant, name);
    if (!account) {
      app.log.error({ pool: poolName, account: name }, 'An account of this pool cannot be used.');
      continue;
    }
    await replenishFrom(app, account, pool, pool.stock, progress);
  }
  return progress;
}

async function replenishFrom(
  app: App,
  account: ProviderAccount,
  pool: Pool,
  stock: StockPolicy,
  progress: Progress,
): Promise<void> {
  const { tenant, name } = account;
  const missing = await shortage(app, tenant, pool, stock);
  const boughtBefore = progress.bought;
  if (!app.stockWatch.breakerOf(tenant, name).allows(app.clock.now())) return;
  try {
    const adopted = await reconcileIntents(app, account);
    await buy(
      app,
      account,
      pool,
      adopted === 0 ? missing : await shortage(app, tenant, pool, stock),
      progress,
    );
    app.stockWatch.becameSpent(tenant, name, false);
  } catch (error) {
    if (error instanceof BudgetSpentError) {
      const purchases = Math.max(1, missing - (progress.bought - boughtBefore));
      await requestForStock(app, {
        ...{ tenant, providerAccount: name, purchases },
        reason: `Pool "${pool.name}" runs low, and the budget is spent.`,
      });
      if (!app.stockWatch.becameSpent(tenant, name, true)) return;
      app.log.error({ pool: pool.name, account: name, error }, 'The budget of an account is spent.');
      return;
    }
    if (!(error instanceof ProviderError)) throw error;
    app.log.warn(
      { error, pool: pool.name, account: name },
      'Numbers could not be bought; trying again later.',
    );
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
    idle: await storage.pools.spare(pool.name, now, stock.max),
  }));
  const inService = sum(level.idle);
  // One number each at two accounts makes no session.
  const usable =
    level.idle.length > 1 ? inService - level.idle.filter((idle) => idle % 2 === 1).length : inService;
  // A dedicated session takes two numbers out of the stock. A shared one takes none: there the person with the
  // fewest numbers left to choose from tells how much there is to spare.
  const noted = pool.mode === 'shared' ? app.stockWatch.takeHeadroom(tenant, pool.name) : null;
  const spare = pool.mode === 'shared' ? Math.min(inService, noted ?? inService) : usable;
  const comingDemand = (pool.mode === 'dedicated' ? level.awaited + level.pending : level.pending) * 2;
  const isLow = spare - comingDemand < stock.lowWater;
  if (app.stockWatch.becameLow(tenant, pool.name, isLow)) {
    const data = { pool: pool.name, idle: spare, inService, lowWater: stock.lowWater };
    await app.storage.run(tenant, (s) => s.outboxAppend([raiseEvent(app, 'pool.low', pool.name, data)]));
    app.wake.outbox.raise();
  }
  if (!isLow) return 0;
  // What a failing account may have sold is reckoned with for `max`, but nobody waits for it.
  const expected = [...level.unsettled].filter(([name]) =>
    app.stockWatch.breakerOf(tenant, name).allows(now),
  );
  const room = stock.max - level.held - sum([...level.unsettled.values()]);
  const wanted = stock.target + comingDemand - spare - sum(expected.map(([, count]) => count));
  return Math.max(0, Math.min(wanted, room));
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

async function buy(
  app: App,
  account: ProviderAccount,
  pool: Pool,
  missing: number,
  progress: Progress,
): Promise<void> {
  const wanted = progress.bought + missing;
  for (const country of pool.countries.length > 0 ? pool.countries : DEFAULT_COUNTRIES) {
    while (progress.bought < wanted) {
      const limit = Math.min(wanted - progress.bought, LIMITS.provisionBatch);
      const onSale = await askProvider(app, account, (provider, signal) =>
        provider.searchNumbers({ country, limit }, signal),
      );
      if (onSale.length === 0) break;
      const before = progress.bought;
      for (let i = 0; i < onSale.length; i += LIMITS.provisionConcurrency) {
        if (!(await progress.mayGoOn())) return;
        const slice = onSale.slice(i, i + LIMITS.provisionConcurrency);
        const outcomes = await Promise.allSettled(
          slice.map((offer) => buyNumber(app, account, pool.name, offer.virtualNumber)),
        );
        for (const outcome of outcomes)
          if (outcome.status === 'fulfilled' && outcome.value) progress.bought++;
        for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
      }
      // What was offered went to somebody else: the next search offers others, but not for ever.
      if (progress.bought === before) break;
    }
  }
}
