import type { Pool, StockNow } from '../domain/pool.ts';
import type { DecisionReason } from '../domain/route.ts';
import type { ClosedReason } from '../domain/session.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { Instant } from '../lib/clock.ts';
import type { CallerKey, ParticipantKey, Sealed } from '../privacy/vault.ts';
import type { AssignmentStorage } from './assignment-storage.ts';
import type { EndingStorage } from './ending-storage.ts';
import type { AuditStorage } from './audit-storage.ts';
import type { BlockStorage } from './block-storage.ts';
import type { IntentStorage } from './intent-storage.ts';
import type { KeyRingStore, PrivacyStorage } from './privacy-storage.ts';
import type { SpendStorage, SpendSystemStorage } from './spend-storage.ts';
import type { StepUpStorage } from './step-up-storage.ts';
import type { WebhookStorage, WebhookSystemStorage } from './webhook-storage.ts';
import type { Page } from '../lib/page.ts';
import type { OutboxEvent } from './outbox-storage.ts';
import type { Patience } from './patience.ts';
import type { NewRoute, RouteStorage } from './route-storage.ts';
import type { CallStorage } from './call-storage.ts';
import type { SessionStorage } from './session-storage.ts';
import type { VirtualNumberStorage } from './virtual-number-storage.ts';

/**
 * The only store of truth. Everything is said in our words; instants are epoch milliseconds; what a tenant
 * asks for is confined to that tenant by the database itself.
 */
export interface Storage {
  /**
   * Statements one by one, each its own transaction.
   * @param patience default `prompt`
   */
  run<T>(tenant: string, work: (storage: TenantStorage) => Promise<T>, patience?: Patience): Promise<T>;
  /** One transaction. `work` may run again after a deadlock: it must have no effect outside `storage`. */
  transaction<T>(tenant: string, work: (storage: TenantStorage) => Promise<T>): Promise<T>;
  /** For background jobs and start-up only: sees all tenants. */
  readonly system: SystemStorage;
  readonly keys: KeyRingStore;
  readonly webhooks: WebhookSystemStorage;
  readonly spend: SpendSystemStorage;
  readonly durability: 'power-loss' | 'process-crash';
}

export interface TenantStorage {
  readonly pools: PoolStorage;
  readonly virtualNumbers: VirtualNumberStorage;
  readonly references: ReferenceStorage;
  readonly sessions: SessionStorage;
  readonly routes: RouteStorage;
  readonly calls: CallStorage;
  readonly messages: MessageStorage;
  readonly providerAccounts: ProviderAccountStorage;
  readonly apiKeys: ApiKeyStorage;
  readonly intents: IntentStorage;
  readonly idempotency: IdempotencyStorage;
  readonly assignments: AssignmentStorage<NewRoute>;
  readonly endings: EndingStorage;
  readonly privacy: PrivacyStorage;
  readonly audit: AuditStorage;
  readonly blocks: BlockStorage;
  readonly stepUp: StepUpStorage;
  readonly webhooks: WebhookStorage;
  readonly spend: SpendStorage;
  /** Returns false when the event was applied before. */
  inboxInsert(source: string, eventId: string, at: Instant): Promise<boolean>;
  /** Whether the event was applied before; only to spare work, because `inboxInsert` decides. */
  inboxKnown(source: string, eventId: string): Promise<boolean>;
  outboxAppend(events: readonly OutboxEvent[]): Promise<void>;
  /**
   * Runs `attempt` under a savepoint. When it returns null its changes are undone, and null is returned.
   * Only inside a transaction.
   */
  attempt<T>(attempt: () => Promise<T | null>): Promise<T | null>;
}

export interface PoolStorage {
  insert(pool: Pool, at: Instant): Promise<void>;
  get(name: string): Promise<Pool | null>;
  /** Keeps everybody else from buying for the pool, or changing it, until the transaction ends. */
  lock(name: string): Promise<Pool | null>;
  list(page: Page): Promise<readonly Pool[]>;
  update(pool: Pool): Promise<void>;
  stockNow(pool: string, now: Instant): Promise<StockNow>;
  /** Accounts that numbers in service are of, in the order of their names; cheap enough for every assignment. */
  accounts(pool: string): Promise<readonly string[]>;
  /**
   * Numbers that a session could get now, in service and not held: a count for each account that has any, up to
   * `limit` each.
   */
  spare(pool: string, now: Instant, limit: number): Promise<readonly number[]>;
  /** Whether a session of the pool is not closed, or a number of it rests. */
  inUse(pool: string, now: Instant): Promise<boolean>;
}

export interface ReferenceRow {
  readonly highestAssignment: number | null;
  readonly endedReason: string | null;
}

export interface ReferenceStorage {
  /** Notes that an order was placed and will want a session. Returns false when it was known. */
  place(reference: string, pool: string, at: Instant): Promise<boolean>;
  /** Locks the order until the transaction ends, making it known if it was not. */
  lock(reference: string): Promise<ReferenceRow>;
  setHighestAssignment(reference: string, pool: string, assignment: number): Promise<void>;
  /** The tombstone: no session opens for this reference any more. */
  end(reference: string, reason: ClosedReason, at: Instant): Promise<void>;
  /** Orders placed since then that have no assignment yet. */
  awaited(pool: string, since: Instant): Promise<number>;
}

export interface NewMessage {
  readonly id: string;
  readonly providerAccount: string;
  readonly providerMessageId: string;
  readonly sessionId: string | null;
  readonly reference: string | null;
  readonly sendingRole: string | null;
  readonly receivingRole: string | null;
  readonly virtualNumber: string;
  readonly callerKey: CallerKey | null;
  readonly senderId: VirtualNumber | null;
  readonly decision: 'relay' | 'drop';
  readonly reason: DecisionReason;
  readonly createdAt: Instant;
}

/** A masked text, as the API shows it. Neither its words nor a real number are kept. */
export interface MessageRecord {
  readonly id: string;
  readonly sessionId: string | null;
  readonly providerMessageId: string;
  readonly sendingRole: string | null;
  readonly receivingRole: string | null;
  readonly virtualNumber: string;
  readonly senderId: VirtualNumber | null;
  readonly decision: 'relay' | 'drop';
  readonly reason: DecisionReason;
  readonly createdAt: Instant;
}

export interface DecidedMessage extends MessageRecord {
  readonly callerKey: CallerKey | null;
  /** of the route that was chosen, if it is still the same and live; else null, and so what it allows */
  readonly sealedDestination: Sealed | null;
  readonly participantKey: ParticipantKey | null;
  readonly attachments: boolean | null;
  readonly maskNumbers: boolean | null;
}

export interface MessageStorage {
  insert(message: NewMessage, event: OutboxEvent): Promise<boolean>;
  /** Turns a decision that came too late to be told into a refusal. */
  refuse(id: string, reason: DecisionReason): Promise<void>;
  decided(providerAccount: string, providerMessageId: string, now: Instant): Promise<DecidedMessage | null>;
  list(filter: { sessionId: string | null }, page: Page): Promise<readonly MessageRecord[]>;
}

export interface ProviderAccountRow {
  readonly tenant: string;
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  readonly settings: unknown;
  readonly sealedCredentials: Sealed;
}

export interface ProviderAccountStorage {
  insert(account: ProviderAccountRow, at: Instant): Promise<void>;
  update(account: ProviderAccountRow): Promise<void>;
  get(name: string): Promise<ProviderAccountRow | null>;
  list(): Promise<readonly ProviderAccountRow[]>;
  /** The account's own limits, locked until the transaction ends. */
  lockBudget(name: string): Promise<AccountBudget | null>;
  setBudget(name: string, budget: AccountBudget): Promise<void>;
  /** Pools that buy from it and numbers that are held there, so that it cannot be removed. */
  uses(name: string): Promise<{ readonly pools: readonly string[]; readonly numbers: number }>;
  /** Forgets its credentials and everything else but its name, which the history refers to. */
  remove(name: string, at: Instant): Promise<void>;
}

/** In 30 days; null is the service's own limit. */
export interface AccountBudget {
  readonly monthlyPurchaseMax: number | null;
  /** purchases and returns together */
  readonly monthlyChurnMax: number | null;
}

export interface ApiKeyRow {
  readonly tenant: string;
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expiresAt: Instant | null;
  readonly revokedAt: Instant | null;
  /** addresses and CIDR blocks that it may be used from; none is from anywhere */
  readonly allowedAddresses?: readonly string[];
  /** to the minute */
  readonly lastUsedAt?: Instant | null;
}

export interface ApiKeyStorage {
  /** Notes that it was used. */
  used(id: string, at: Instant): Promise<void>;
  insert(key: ApiKeyRow & { readonly hash: Uint8Array }, at: Instant): Promise<void>;
  revoke(id: string, at: Instant): Promise<boolean>;
  list(): Promise<readonly ApiKeyRow[]>;
}

export interface IdempotencyStorage {
  /** Returns null when this request is the first by that key and must now run. */
  begin(request: {
    apiKeyId: string;
    key: string;
    hash: Uint8Array;
    now: Instant;
    expiresAt: Instant;
  }): Promise<IdempotencyRow | null>;
  finish(apiKeyId: string, key: string, status: number, body: string): Promise<void>;
  /** Forgets a request that never came to an answer, so that it can be made again. */
  forget(apiKeyId: string, key: string): Promise<void>;
}

export interface IdempotencyRow {
  readonly hash: Uint8Array;
  /** null while the first request runs */
  readonly status: number | null;
  readonly body: string | null;
  readonly createdAt: Instant;
}

export interface SystemStorage {
  tenantInsert(tenant: string, name: string, at: Instant): Promise<void>;
  tenantList(): Promise<readonly string[]>;
  apiKeyByHash(hash: Uint8Array): Promise<ApiKeyRow | null>;
  providerAccountById(id: string): Promise<ProviderAccountRow | null>;
  providerAccountList(): Promise<readonly ProviderAccountRow[]>;
  poolList(): Promise<readonly { tenant: string; pool: string }[]>;
  /** Sessions that are over by time but not closed; oldest first. */
  expiredSessions(
    now: Instant,
    limit: number,
  ): Promise<readonly { tenant: string; id: string; reference: string }[]>;
  pendingPools(): Promise<readonly { tenant: string; pool: string }[]>;
  /** Calls whose end should have been reported by now. */
  overdueCalls(now: Instant, limit: number): Promise<readonly { tenant: string; id: string }[]>;
  /** Calls that began, and were last asked about, before then; those that wait longest first. */
  quietCalls(before: Instant, limit: number): Promise<readonly QuietCall[]>;
  /** The oldest events that wait to be published, in the order in which they were committed for each key. */
  outboxOldest(limit: number): Promise<readonly OutboxRow[]>;
  /** They are durable on the bus. */
  outboxDelete(ids: readonly number[]): Promise<void>;
  outboxSize(): Promise<number>;
  /**
   * Stops routes that opened while somebody of theirs was being blocked: of blocks that were made since then.
   * Returns how many.
   */
  stopBlockedLately(since: Instant, now: Instant): Promise<number>;
  /** Takes or renews a lease. False: another holder has it. */
  leaseAcquire(name: string, holder: string, now: Instant, until: Instant): Promise<boolean>;
  leaseRelease(name: string, holder: string): Promise<void>;
  /** Deletes what is no longer needed, at most `limit` rows of each kind; returns how many. */
  trim(before: { routes: Instant; inbox: Instant; idempotency: Instant }, limit: number): Promise<number>;
  /** Deletes history of a kind from before an instant, oldest first, at most `limit` rows; returns how many. */
  expunge(kind: HistoryKind, before: Instant, limit: number): Promise<number>;
  /** Answers quickly, or throws StorageError. */
  ping(): Promise<void>;
}

export interface QuietCall {
  readonly tenant: string;
  readonly id: string;
  readonly providerAccount: string;
  readonly providerCallId: string;
}

/** `realNumbers`: the sealed numbers of people whose sessions are closed; the sessions stay. */
export type HistoryKind = 'calls' | 'messages' | 'sessions' | 'references' | 'realNumbers';

export interface OutboxRow extends OutboxEvent {
  readonly id: number;
  readonly tenant: string;
}

/** A race was lost too often. Nothing happened; the same request may be made again. */
export class StorageContention extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StorageContention';
  }
}
