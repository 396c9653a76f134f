import type { Capability, VirtualNumber, VirtualNumberState } from '../domain/virtual-number.ts';
import type { Instant } from '../lib/clock.ts';
import type { Page } from '../lib/page.ts';
import type { CallerKey } from '../privacy/vault.ts';

export interface NewVirtualNumber {
  readonly virtualNumber: VirtualNumber;
  readonly pool: string;
  readonly providerAccount: string;
  readonly providerNumberId: string | null;
  readonly capabilities: readonly Capability[];
  readonly state: VirtualNumberState;
  readonly createdAt: Instant;
  /** it was at the provider before us, and stays there after us; default false */
  readonly imported?: boolean;
}

export interface VirtualNumberRow extends NewVirtualNumber {
  readonly imported: boolean;
  /** where its webhooks pointed before us, in the adapter's own words; null when we have not changed them */
  readonly previousWebhooks: unknown;
  /** since when the provider lists it no more; a call to it is not ours to answer */
  readonly withdrawnAt: Instant | null;
}

/** What a number must fulfil to stand for one participant. */
export interface CandidateSearch {
  readonly pool: string;
  /** all numbers of a session are of one account: the one that carries a call must own what it shows */
  readonly providerAccount: string;
  readonly capability: Capability;
  /** those who would dial it; none of them may have a live or resting route on it */
  readonly callerKeys: readonly CallerKey[];
  readonly now: Instant;
  readonly limit: number;
}

export interface VirtualNumberStorage {
  /** Returns false when the number is known already. */
  insert(row: NewVirtualNumber): Promise<boolean>;
  get(virtualNumber: VirtualNumber): Promise<VirtualNumberRow | null>;
  /** The same, locked until the transaction ends. */
  lock(virtualNumber: VirtualNumber): Promise<VirtualNumberRow | null>;
  /** Numbers of an account that are not given back, in their order. */
  ofAccount(providerAccount: string, page: Page): Promise<readonly VirtualNumberRow[]>;
  /**
   * What was there first counts: a second change of the webhooks does not overwrite it. Without `providerNumberId` they are
   * about to be changed, and an import has not come to its end.
   */
  configured(
    virtualNumber: VirtualNumber,
    providerNumberId: string | null,
    previousWebhooks: unknown,
  ): Promise<void>;
  /** Suspends a number that the provider lists no more. */
  withdraw(virtualNumber: VirtualNumber, at: Instant): Promise<void>;
  /** Whether a call that has not ended was made to it, or shows it. */
  onCall(virtualNumber: VirtualNumber): Promise<boolean>;
  list(
    filter: { pool: string | null; state: VirtualNumberState | null },
    page: Page,
  ): Promise<readonly VirtualNumberRow[]>;
  /** Which of these texts are virtual numbers of this tenant. */
  known(e164: readonly string[]): Promise<ReadonlySet<string>>;
  setState(virtualNumber: VirtualNumber, state: VirtualNumberState): Promise<void>;
  setPool(virtualNumber: VirtualNumber, pool: string): Promise<void>;
  /** Whether it stands for somebody, or somebody has a live or resting route on it, or it rests. */
  inUse(virtualNumber: VirtualNumber, now: Instant): Promise<boolean>;
  /**
   * Dedicated: takes up to `limit` idle numbers, longest idle first, that none of the callers has met. Skips
   * numbers that somebody else is taking at this moment, so getting fewer proves nothing.
   */
  take(search: CandidateSearch, sessionId: string): Promise<readonly VirtualNumber[]>;
  /** Dedicated: idle numbers that may stand for one participant, without taking them; waits for nobody. */
  idleCandidates(search: CandidateSearch): Promise<readonly VirtualNumber[]>;
  /** Dedicated: takes exactly these, or returns false. Waits for whoever is taking one of them. */
  takeThese(virtualNumbers: readonly VirtualNumber[], sessionId: string, now: Instant): Promise<boolean>;
  /** Whether this number would be a candidate, in either mode. */
  isCandidate(virtualNumber: VirtualNumber, search: CandidateSearch): Promise<boolean>;
  /** Shared: first-fit candidates for one participant; those that stand for that person already come last. */
  sharedCandidates(
    search: CandidateSearch & { readonly standingFor: CallerKey },
  ): Promise<readonly VirtualNumber[]>;
  /**
   * Shared: keeps the state and pool of these as they are until the transaction ends, or returns false: one of them
   * is not in service any more. Dedicated ones are held by taking them.
   */
  holdThese(virtualNumbers: readonly VirtualNumber[]): Promise<boolean>;
  /** The number that stood for this person last, in this pool. */
  lastStoodFor(pool: string, person: CallerKey): Promise<VirtualNumber | null>;
  /** Dedicated: lets the numbers that this session took last, and no other after it, rest until `idleAt`. */
  rest(sessionId: string, virtualNumbers: readonly VirtualNumber[], idleAt: Instant): Promise<void>;
  countHeld(pool: string): Promise<number>;
}
