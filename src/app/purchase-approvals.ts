import { MasklineError } from '../domain/errors.ts';
import { createId } from '../lib/id.ts';
import { redact } from '../observe/log.ts';
import type { TenantKeys } from '../privacy/vault.ts';
import type { PurchaseApproval } from '../storage/purchase-approval-storage.ts';
import type { TenantStorage } from '../storage/storage.ts';
import type { App } from './app.ts';
import { appendAudit } from './audit.ts';

const DAY_MS = 86_400_000;
/** What nobody has decided by then is asked again, or was not needed. */
const LIFETIME_MS = 7 * DAY_MS;
/** The service does not ask again so soon for what was declined. */
const PEACE_MS = DAY_MS;
/** As the table has it. */
export const APPROVED_PURCHASES_MAXIMUM = 10_000;
/** who the audit names for what the service does by itself */
const SERVICE = 'service';

type Approving = Pick<App, 'storage' | 'vault' | 'clock' | 'random' | 'wake'>;

export interface PurchaseRequest {
  readonly tenant: string;
  readonly providerAccount: string;
  /** how many numbers, beyond the budget of 30 days */
  readonly purchases: number;
  readonly reason: string;
  /** `key:<id>` */
  readonly actor: string;
}

interface Decision {
  readonly tenant: string;
  readonly id: string;
  /** `key:<id>` */
  readonly actor: string;
  /** for the audit */
  readonly reason?: string;
}

/**
 * Asks that an account may buy more than its budget: once another key than this one has approved it, in seven days, the
 * numbers count beside the budget for 30 days.
 * @throws MasklineError MASK_UNKNOWN_PROVIDER_ACCOUNT, MASK_ALREADY_EXISTS while something is asked for the account
 */
export async function requestPurchases(app: Approving, asked: PurchaseRequest): Promise<PurchaseApproval> {
  const { tenant, providerAccount } = asked;
  return inTransaction(app, tenant, async (storage, keys) => {
    if (!(await storage.providerAccounts.get(providerAccount))) {
      throw new MasklineError(
        'MASK_UNKNOWN_PROVIDER_ACCOUNT',
        'The tenant has no account by the name in `providerAccount`.',
      );
    }
    const approval = await insert(app, storage, keys, asked);
    if (approval) return approval;
    throw new MasklineError(
      'MASK_ALREADY_EXISTS',
      'Purchases of this account wait for a decision: GET /v1/purchase-approvals shows them.',
    );
  });
}

/**
 * The service asks when the stock wants more than the budget has. Nobody stands behind that yet, so it takes two keys
 * to approve it. Returns null when something is asked already, or was declined within a day.
 */
export async function requestForStock(
  app: Approving,
  asked: Omit<PurchaseRequest, 'actor'>,
): Promise<PurchaseApproval | null> {
  const { tenant, providerAccount } = asked;
  return inTransaction(app, tenant, async (storage, keys) => {
    if (await storage.spend.wasDeclined(providerAccount, app.clock.now() - PEACE_MS)) return null;
    const purchases = Math.min(asked.purchases, APPROVED_PURCHASES_MAXIMUM);
    return insert(app, storage, keys, { ...asked, purchases, actor: null });
  });
}

/**
 * Approves what another key has asked. What the service asked for, the first key that approves stands behind, and it
 * is approved by the next. Two people are needed either way: give each a key of their own.
 * @throws MasklineError MASK_NOT_FOUND, MASK_APPROVAL_CLOSED, MASK_SECOND_PERSON_NEEDED
 */
export async function approvePurchases(
  app: Approving,
  { tenant, id, actor, reason }: Decision,
): Promise<PurchaseApproval> {
  const decided = await inTransaction(app, tenant, async (storage, keys) => {
    const asked = await lockAsked(storage, id);
    if (asked.requestedBy === actor) {
      throw new MasklineError(
        'MASK_SECOND_PERSON_NEEDED',
        'You stand behind this already. Somebody with another key has to approve it.',
      );
    }
    const seconded = asked.requestedBy !== null;
    const changed: PurchaseApproval = seconded
      ? { ...asked, state: 'approved', decidedBy: actor, decidedAt: app.clock.now() }
      : { ...asked, requestedBy: actor };
    await storage.spend.updateApproval(changed);
    const action = seconded ? 'purchases.approved' : 'purchases.taken_up';
    await appendAudit(app, storage, keys, {
      actor,
      action,
      subject: id,
      details: detailsOf(changed, reason),
    });
    return changed;
  });
  app.wake.stock.raise();
  return decided;
}

/** Also whoever asked may. @throws MasklineError MASK_NOT_FOUND, MASK_APPROVAL_CLOSED */
export async function declinePurchases(
  app: Approving,
  { tenant, id, actor, reason }: Decision,
): Promise<PurchaseApproval> {
  return inTransaction(app, tenant, async (storage, keys) => {
    const asked = await lockAsked(storage, id);
    const declined: PurchaseApproval = {
      ...asked,
      ...{ state: 'declined', decidedBy: actor, decidedAt: app.clock.now() },
    };
    await storage.spend.updateApproval(declined);
    const act = { actor, action: 'purchases.declined', subject: id, details: detailsOf(declined, reason) };
    await appendAudit(app, storage, keys, act);
    return declined;
  });
}

/** What has expired is ended first, in a transaction of its own: the next one may be refused. */
async function inTransaction<T>(
  app: Approving,
  tenant: string,
  work: (storage: TenantStorage, keys: TenantKeys) => Promise<T>,
): Promise<T> {
  const keys = await app.vault.keysOf(tenant);
  await app.storage.transaction(tenant, async (storage) => {
    for (const subject of await storage.spend.expireApprovals(app.clock.now())) {
      const act = { actor: SERVICE, action: 'purchases.expired', subject, details: {} };
      await appendAudit(app, storage, keys, act);
    }
  });
  return app.storage.transaction(tenant, (storage) => work(storage, keys));
}

async function insert(
  app: Approving,
  storage: TenantStorage,
  keys: TenantKeys,
  asked: Omit<PurchaseRequest, 'actor'> & { readonly actor: string | null },
): Promise<PurchaseApproval | null> {
  const { providerAccount, purchases, actor: requestedBy } = asked;
  const now = app.clock.now();
  const approval: PurchaseApproval = {
    ...{ id: createId('pap', app.clock, app.random), providerAccount, purchases, requestedBy },
    ...{ reason: redact(asked.reason), state: 'asked', decidedBy: null, decidedAt: null },
    ...{ createdAt: now, expiresAt: now + LIFETIME_MS },
  };
  if (!(await storage.spend.insertApproval(approval))) return null;
  const act = { action: 'purchases.requested', subject: approval.id, details: detailsOf(approval) };
  await appendAudit(app, storage, keys, { ...act, actor: requestedBy ?? SERVICE });
  return approval;
}

async function lockAsked(storage: TenantStorage, id: string): Promise<PurchaseApproval> {
  const approval = await storage.spend.lockApproval(id);
  if (!approval) throw new MasklineError('MASK_NOT_FOUND', 'There is no request for purchases by that id.');
  if (approval.state !== 'asked') {
    throw new MasklineError(
      'MASK_APPROVAL_CLOSED',
      `This request is ${approval.state}. Ask again if needed.`,
    );
  }
  return approval;
}

function detailsOf({ providerAccount, purchases, reason, requestedBy }: PurchaseApproval, because?: string) {
  const decision = because === undefined ? {} : { decision: redact(because) };
  return { providerAccount, purchases, reason, requestedBy, ...decision };
}
