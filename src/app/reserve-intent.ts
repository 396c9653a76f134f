import type { IntentRow } from '../storage/storage.ts';
import type { App } from './app.ts';
import { LIMITS } from './limits.ts';

/** The account has spent what it may in 30 days. A person raises the budget, or time passes. */
export class BudgetSpentError extends Error {
  readonly providerAccount: string;

  constructor(providerAccount: string, what: string, maximum: number) {
    super(
      `Provider account "${providerAccount}" has reached its ${what} of ${maximum} in 30 days. ` +
        'Two people can allow more with `maskline purchases`; or raise it with `maskline providers budget`, or wait.',
    );
    this.name = 'BudgetSpentError';
    this.providerAccount = providerAccount;
  }
}

const MONTH_MS = 30 * 86_400_000;

/**
 * Commits the intent to buy or give back a number, if the account's budget has room for it. The account's row is
 * locked meanwhile, so that two who buy at once cannot both have the last of it.
 * Returns false when an intent for that number is under way. @throws BudgetSpentError
 */
export async function reserveIntent(app: App, tenant: string, intent: IntentRow): Promise<boolean> {
  return app.storage.transaction(tenant, (storage) => reserveInTransaction(app, storage, intent));
}

export async function reserveInTransaction(
  app: App,
  storage: Parameters<Parameters<App['storage']['transaction']>[1]>[0],
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
    throw new BudgetSpentError(providerAccount, 'budget of purchases', purchases);
  }
  if (spent.purchases + spent.decommissions >= churn) {
    throw new BudgetSpentError(providerAccount, 'budget of purchases and returns', churn);
  }
  return storage.intents.insert(intent);
}
