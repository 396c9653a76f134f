import type { IntentRow } from '../storage/intent-storage.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { App } from './app.ts';
import { LIMITS } from './limits.ts';

/** The account has spent what it may in 30 days. A person raises the budget, or time passes. */
export class BudgetSpentError extends Error {
  readonly providerAccount: string;

  constructor(providerAccount: string, what: string, maximum: number, unconfirmed: number) {
    const counted =
      unconfirmed > 0 ? ` (${unconfirmed} of which it has never confirmed, and may have charged for)` : '';
    super(
      `Provider account "${providerAccount}" has reached its ${what} of ${maximum} in 30 days${counted}. ` +
        'Two people can allow more with `maskline purchases`; or raise it with `maskline providers budget`, or wait.',
    );
    this.name = 'BudgetSpentError';
    this.providerAccount = providerAccount;
  }
}

const MONTH_MS = 30 * 86_400_000;

/**
 * Commits the intent to buy a number, if the pool and the account's budget have room for it. Both rows are locked
 * meanwhile, so that two who buy at once cannot both have the last of it.
 * Returns false when the pool has all that it may have, or an intent for that number is under way.
 * @throws BudgetSpentError
 */
export async function reserveIntent(app: App, tenant: string, intent: IntentRow): Promise<boolean> {
  return app.storage.transaction(
    tenant,
    async (storage) =>
      (await hasRoom(storage, intent.pool)) && (await reserveInTransaction(app, storage, intent)),
  );
}

/**
 * Counted again for each number, because whoever has found that numbers are missing may have stood still since, and
 * another replica, which has the lease by then, has bought them.
 */
async function hasRoom(storage: TenantStorage, poolName: string): Promise<boolean> {
  const pool = await storage.pools.lock(poolName);
  if (!pool?.stock) return true;
  const held = await storage.virtualNumbers.countHeld(poolName);
  const unsettled = await storage.intents.countUnsettled(poolName);
  return [...unsettled.values()].reduce((sum, count) => sum + count, held) < pool.stock.max;
}

/**
 * Commits the intent to buy or give back a number, if the account's budget has room for it; with what else the
 * transaction does. Returns false when an intent for that number is under way. @throws BudgetSpentError
 */
export async function reserveInTransaction(
  app: App,
  storage: TenantStorage,
  intent: IntentRow,
): Promise<boolean> {
  const { providerAccount } = intent;
  const budget = await storage.providerAccounts.lockBudget(providerAccount);
  const since = app.clock.now() - MONTH_MS;
  const spent = await storage.intents.spent(providerAccount, since);
  const budgeted = {
    purchases: budget?.monthlyPurchaseMax ?? LIMITS.monthlyPurchases,
    churn: budget?.monthlyChurnMax ?? LIMITS.monthlyChurn,
  };
  const isWithin =
    spent.purchases < budgeted.purchases && spent.purchases + spent.decommissions < budgeted.churn;
  // What two people have approved is asked about only when it is needed.
  const approved = isWithin ? 0 : await storage.spend.approvedPurchases(providerAccount, since);
  const purchases = budgeted.purchases + approved;
  const churn = budgeted.churn + approved;
  if (intent.kind === 'provision' && spent.purchases >= purchases) {
    throw new BudgetSpentError(providerAccount, 'budget of purchases', purchases, spent.unconfirmed);
  }
  if (spent.purchases + spent.decommissions >= churn) {
    throw new BudgetSpentError(providerAccount, 'budget of purchases and returns', churn, spent.unconfirmed);
  }
  return storage.intents.insert(intent);
}
