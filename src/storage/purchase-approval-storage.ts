import type { Instant } from '../lib/clock.ts';
import type { Page } from '../lib/page.ts';

export const PURCHASE_APPROVAL_STATES = ['asked', 'approved', 'declined', 'expired'] as const;
export type PurchaseApprovalState = (typeof PURCHASE_APPROVAL_STATES)[number];

/** Numbers that an account may buy beyond its budget, once a second person agrees. */
export interface PurchaseApproval {
  readonly id: string;
  readonly providerAccount: string;
  readonly purchases: number;
  readonly reason: string;
  readonly state: PurchaseApprovalState;
  /** `key:<id>`; null while nobody stands behind what the service itself asked for */
  readonly requestedBy: string | null;
  readonly decidedBy: string | null;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
  readonly decidedAt: Instant | null;
}

export interface PurchaseApprovalStorage {
  /** False: something is asked for this account already. */
  insertApproval(approval: PurchaseApproval): Promise<boolean>;
  /** Locked until the transaction ends. */
  lockApproval(id: string): Promise<PurchaseApproval | null>;
  /** Newest first. */
  listApprovals(page: Page): Promise<readonly PurchaseApproval[]>;
  /** Changes what was locked before. */
  updateApproval(
    approval: Pick<PurchaseApproval, 'id' | 'state' | 'requestedBy' | 'decidedBy' | 'decidedAt'>,
  ): Promise<void>;
  /** Ends what nobody decided in time. Returns their ids. */
  expireApprovals(now: Instant): Promise<readonly string[]>;
  /** Numbers that were approved for the account since then. */
  approvedPurchases(providerAccount: string, since: Instant): Promise<number>;
  /** Whether something was declined for the account since then. */
  wasDeclined(providerAccount: string, since: Instant): Promise<boolean>;
}
