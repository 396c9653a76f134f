import type { ClosedReason, Session, SessionMode, SessionState } from '../domain/session.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { Instant } from '../lib/clock.ts';
import type { Page } from '../lib/page.ts';
import type { CallerKey, IndexedCallerKey, ParticipantKey, Sealed } from '../privacy/vault.ts';

export interface NewParticipant {
  readonly id: string;
  readonly role: string;
  readonly userId: string | null;
  readonly sealedNumber: Sealed;
  readonly callerKey: CallerKey;
  /** which index key made it */
  readonly indexKeyId: number;
  readonly participantKey: ParticipantKey;
  /** when the company last knew that the number is this person's; default: it does not say */
  readonly verifiedAt?: Instant | null;
}

/** A participant with what only the inside may see. */
export interface ParticipantRow {
  readonly id: string;
  readonly role: string;
  readonly userId: string | null;
  readonly virtualNumber: VirtualNumber | null;
  readonly exclusive: boolean;
  readonly sealedNumber: Sealed | null;
  readonly callerKey: CallerKey | null;
  /** null once erased */
  readonly participantKey: ParticipantKey | null;
  readonly verifiedAt: Instant | null;
}

export interface SessionRow extends Omit<Session, 'participants'> {
  readonly participants: readonly ParticipantRow[];
}

export interface NewSession {
  readonly id: string;
  readonly reference: string;
  readonly assignment: number;
  readonly pool: string;
  readonly mode: SessionMode;
  readonly state: SessionState;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
  readonly closedAt: Instant | null;
  readonly closedReason: ClosedReason | null;
  readonly participants: readonly NewParticipant[];
}

export interface SessionStorage {
  insert(session: NewSession): Promise<void>;
  get(id: string): Promise<SessionRow | null>;
  byAssignment(reference: string, assignment: number): Promise<SessionRow | null>;
  /** The session of this order that is pending or open, if any. */
  live(reference: string): Promise<SessionRow | null>;
  list(filter: { reference: string | null }, page: Page): Promise<readonly SessionRow[]>;
  /** Oldest first. */
  pending(pool: string, limit: number): Promise<readonly { id: string; reference: string }[]>;
  countPending(pool: string): Promise<number>;
  /** Writes the allocations and opens the session. */
  open(id: string, allocations: readonly Allocation[], at: Instant, expiresAt: Instant): Promise<void>;
  close(id: string, at: Instant, reason: ClosedReason): Promise<void>;
  /** Open sessions in which this number stands for somebody. */
  holding(virtualNumber: VirtualNumber): Promise<readonly { id: string; reference: string }[]>;
  /** Takes an open session's numbers away: it waits for others. Its routes are the caller's business. */
  setPending(id: string, at: Instant): Promise<void>;
  setExpiry(id: string, expiresAt: Instant): Promise<void>;
  setParticipantNumber(
    id: string,
    participantId: string,
    sealed: Sealed,
    callerKey: IndexedCallerKey,
    verifiedAt?: Instant | null,
  ): Promise<void>;
}

export interface Allocation {
  readonly participantId: string;
  readonly virtualNumber: VirtualNumber;
  readonly exclusive: boolean;
}
