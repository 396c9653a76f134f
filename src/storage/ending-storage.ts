import type { ClosedReason, Session } from '../domain/session.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { Instant } from '../lib/clock.ts';
import type { ParticipantRow } from './session-storage.ts';

/** What must be known of a session to end it and to say so. */
export interface EndingSession
  extends Pick<Session, 'id' | 'reference' | 'assignment' | 'pool' | 'state' | 'expiresAt'> {
  readonly participants: readonly Pick<ParticipantRow, 'role' | 'userId' | 'virtualNumber' | 'exclusive'>[];
}

/**
 * What becomes of many orders beside their assignments, in few statements, inside one transaction. Rows that others
 * may want as well are locked in their own order, as in AssignmentStorage. The orders of one call differ.
 */
export interface EndingStorage {
  /** Notes that they were placed; the first time counts. */
  placeReferences(
    orders: readonly { readonly reference: string; readonly pool: string }[],
    at: Instant,
  ): Promise<void>;
  /** Tombstones of orders that are locked and have not ended. */
  endReferences(references: readonly string[], reason: ClosedReason, at: Instant): Promise<void>;
  /** The sessions of these orders that are pending or open. */
  liveSessions(references: readonly string[]): Promise<readonly EndingSession[]>;
  /** Closes sessions that are pending or open. Their routes and numbers are the caller's business. */
  closeSessions(sessionIds: readonly string[], at: Instant, reason: ClosedReason): Promise<void>;
  /** When the last call of each ended, or will have at the latest; those without a call are left out. */
  lastCallEnds(sessionIds: readonly string[]): Promise<ReadonlyMap<string, Instant>>;
  /** The routes of these sessions connect until `liveUntil` and rest until `restingUntil`. */
  restRoutes(sessionIds: readonly string[], liveUntil: Instant, restingUntil: Instant): Promise<void>;
  /** Dedicated numbers that one of these sessions has taken last rest until then. */
  restNumbers(
    virtualNumbers: readonly VirtualNumber[],
    sessionIds: readonly string[],
    until: Instant,
  ): Promise<void>;
}
