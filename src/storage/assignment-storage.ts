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

/** Numbers in service of one pool and account that have rested. */
export interface NumberSearch {
  readonly pool: string;
  readonly providerAccount: string;
  readonly capability: Capability;
  readonly now: Instant;
}

/** For whom a number shall stand, and who will dial it. */
export interface Seat {
  readonly standing: CallerKey;
  /** null: whether they know it is asked later */
  readonly dialling: CallerKey | null;
}

export interface SharedCandidate {
  readonly virtualNumber: VirtualNumber;
  /** among all numbers, in the order of first fit */
  readonly position: number;
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
  readonly verifiedAt?: Instant | null;
  /** null while the session is pending */
  readonly virtualNumber: VirtualNumber | null;
}

export interface NewAssignment {
  readonly id: string;
  readonly reference: string;
  readonly assignment: number;
  readonly participants: readonly OpenedParticipant[];
}

/** The choice of numbers for many assignments. */
export interface LotNumberStorage {
  /**
   * Dedicated: idle numbers, longest idle first, locked until the transaction ends. Skips numbers that somebody
   * else is taking at this moment, so getting fewer than `limit` proves nothing.
   */
  lockIdle(search: NumberSearch & { readonly limit: number }): Promise<readonly VirtualNumber[]>;
  /** Dedicated: of these numbers those that are idle and that nobody else is taking, locked likewise. */
  lockThese(
    virtualNumbers: readonly VirtualNumber[],
    search: NumberSearch,
  ): Promise<ReadonlySet<VirtualNumber>>;
  /**
   * Shared: for each seat at most `limit` numbers that whoever dials has not met, and that do not stand for that person
   * already, by first fit.
   */
  sharedCandidates(
    seats: readonly Seat[],
    search: NumberSearch & { readonly limit: number },
  ): Promise<readonly (readonly SharedCandidate[])[]>;
  /** The number that stood last for each seat's person, by its place, where it could again. */
  stickyCandidates(seats: readonly Seat[], search: NumberSearch): Promise<ReadonlyMap<number, VirtualNumber>>;
  /** Which of these routes would meet a live or resting one, by their place in the list. */
  routesHeld(
    routes: readonly { readonly virtualNumber: VirtualNumber; readonly callerKey: CallerKey }[],
    now: Instant,
  ): Promise<ReadonlySet<number>>;
  /** Dedicated: takes numbers that `lockIdle` has locked. */
  takeLocked(assignments: readonly NewAssignment[]): Promise<void>;
}

/**
 * Many assignments of one pool in few statements, inside one transaction. Whatever is locked is locked in its own
 * order, so that two of these cannot wait for each other in a circle. `Route` is the route of the Storage port.
 */
export interface AssignmentStorage<Route> extends LotNumberStorage {
  /** Which of these were applied before, by their place in the list. */
  inboxKnown(events: readonly InboxEvent[]): Promise<ReadonlySet<number>>;
  /** Notes them all; returns the places of those that were new. */
  inboxInsert(events: readonly InboxEvent[], at: Instant): Promise<ReadonlySet<number>>;
  /** Takes back what this transaction has noted. */
  inboxForget(events: readonly InboxEvent[]): Promise<void>;
  /**
   * Locks the orders until the transaction ends. Those that nobody had heard of are `fresh`, and have this assignment
   * as their highest from now on, or none; the others are as they were.
   */
  takeReferences(
    assignments: readonly { readonly reference: string; readonly assignment: number | null }[],
    pool: string | null,
  ): Promise<{
    readonly fresh: ReadonlySet<string>;
    readonly known: ReadonlyMap<string, LockedReference>;
  }>;
  /** Takes back fresh ones of this transaction. */
  forgetReferences(references: readonly string[]): Promise<void>;
  setHighestAssignments(assignments: readonly NewAssignment[], pool: string): Promise<void>;
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
