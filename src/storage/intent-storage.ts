import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { Instant } from '../lib/clock.ts';

/** That a number is to be bought or given back, committed before the provider is asked. */
export interface IntentRow {
  readonly id: string;
  readonly kind: 'provision' | 'decommission';
  readonly providerAccount: string;
  readonly pool: string;
  readonly virtualNumber: VirtualNumber;
  readonly state: 'planned' | 'asked' | 'done' | 'failed';
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  readonly attempts: number;
}

export interface SpentByAccount {
  /** with those that are under way, and those that were never confirmed */
  readonly purchases: number;
  readonly decommissions: number;
  /** Purchases whose answer was lost and that the provider has never listed. They may have been paid for. */
  readonly unconfirmed: number;
}

export interface IntentStorage {
  /** Returns false when an intent for that number is under way. */
  insert(intent: IntentRow): Promise<boolean>;
  setState(id: string, state: IntentRow['state'], at: Instant, error: string | null): Promise<void>;
  /** The intent for this number that is under way. */
  openFor(providerAccount: string, virtualNumber: VirtualNumber): Promise<IntentRow | null>;
  /** Oldest first. */
  unsettled(providerAccount: string, limit: number): Promise<readonly IntentRow[]>;
  /** Purchases whose outcome is not known, by account. */
  countUnsettled(pool: string): Promise<ReadonlyMap<string, number>>;
  /** What an account has spent since then: everything but what the provider has refused. */
  spent(providerAccount: string, since: Instant): Promise<SpentByAccount>;
  /** Purchases of these numbers that were given up, although they may have been made; the latest of each. */
  givenUp(providerAccount: string, virtualNumbers: readonly string[]): Promise<readonly IntentRow[]>;
}
