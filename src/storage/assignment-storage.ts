import type { SessionMode } from '../domain/session.ts';
import type { Capability, VirtualNumber } from '../domain/virtual-number.ts';
import type { Instant } from '../lib/clock.ts';
import type { CallerKey, ParticipantKey, Sealed } from '../privacy/vault.ts';

export interface InboxEvent {
  readonly source: string;
  readonly eventId: string;
}

export interface LockedReference {
  readonly highestAssignment: number | null;
  readonly endedReason: string | null;
}

/** A participant of a session that opens in the statement that makes it. */
export interface OpenedParticipant {
  readonly id: string;
  readonly role: string;
  readonly userId: string | null;
  readonly sealedNumber: Sealed;
  readonly callerKey: CallerKey;
  /** which index key made it */
  readonly indexKeyId: number;
  readonly participantKey: ParticipantKey;
  /** null while the session is pending */
  readonly virtualNumber: VirtualNumber | null;
}

export interface NewAssignment {
  readonly id: string;
  readonly reference: string;
  readonly assignment: number;
  readonly participants: readonly OpenedParticipant[];
}

/**
 * Many assignments of one pool in few statements, inside one transaction. Whatever is locked is locked in its own
 * order, so that two of these cannot wait for each other in a circle. `Route` is the route of the Storage port.
 */
export interface AssignmentStorage<Route> {
  /** Which of these were applied before, by their place in the list. */
  inboxKnown(events: readonly InboxEvent[]): Promise<ReadonlySet<number>>;
  /** Notes them all; returns the places of those that were new. */
  inboxInsert(events: readonly InboxEvent[], at: Instant): Promise<ReadonlySet<number>>;
  /** Takes back what this transaction has noted. */
  inboxForget(events: readonly InboxEvent[]): Promise<void>;
  /** Locks the orders until the transaction ends, making them known if they were not. */
  lockReferences(references: readonly string[]): Promise<ReadonlyMap<string, LockedReference>>;
  setHighestAssignments(assignments: readonly NewAssignment[], pool: string): Promise<void>;
  /**
   * Dedicated: idle numbers, longest idle first, locked until the transaction ends. Skips numbers that somebody
   * else is taking at this moment, so getting fewer than `limit` proves nothing.
   */
  lockIdle(search: {
    readonly pool: string;
    readonly providerAccount: string;
    readonly capability: Capability;
    readonly now: Instant;
    readonly limit: number;
  }): Promise<readonly VirtualNumber[]>;
  /** Which of these routes would meet a live or resting one, by their place in the list. */
  routesHeld(
    routes: readonly { readonly virtualNumber: VirtualNumber; readonly callerKey: CallerKey }[],
    now: Instant,
  ): Promise<ReadonlySet<number>>;
  /** Dedicated: takes numbers that `lockIdle` has locked. */
  takeLocked(assignments: readonly NewAssignment[]): Promise<void>;
  /** Makes the sessions, open with their numbers, or pending without. */
  insertSessions(
    assignments: readonly NewAssignment[],
    common: {
      readonly pool: string;
      readonly mode: SessionMode;
      readonly state: 'open' | 'pending';
      readonly exclusive: boolean;
      readonly now: Instant;
      readonly expiresAt: Instant;
    },
  ): Promise<void>;
  /** Routes of one pool and one mode. Returns how many could be inserted; fewer than all is for the caller to undo. */
  insertRoutes(routes: readonly (Route & { readonly sessionId: string })[], now: Instant): Promise<number>;
}
