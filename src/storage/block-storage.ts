import type { Instant } from '../lib/clock.ts';
import type { CallerKey } from '../privacy/vault.ts';
import type { Page } from '../lib/page.ts';

/** A person whom the company has blocked: by number, by its own id of them, or by both. */
export interface PersonBlock {
  readonly id: string;
  /** keyed digest that outlives the exchange of index keys; null with a `userId` alone */
  readonly numberDigest: Uint8Array | null;
  /** `+91••••••3210` */
  readonly maskedNumber: string | null;
  readonly userId: string | null;
  readonly reason: string;
  readonly actor: string;
  readonly createdAt: Instant;
}

/** How the routes of a person are found: by the keys of the number, or by the company's own id. */
export interface BlockedPerson {
  readonly callerKeys: readonly CallerKey[];
  readonly userId: string | null;
}

export interface SessionBlock {
  readonly id: string;
  readonly sessionId: string;
  readonly blockingParticipantId: string;
  readonly blockedParticipantId: string;
  readonly createdAt: Instant;
}

/**
 * Whom somebody does not want to be reached by. What stops a call is a mark on the route, set with the block in one
 * transaction; the tables here say why, and stop what opens later.
 */
export interface BlockStorage {
  /** False: this number, or this id alone, is blocked already. */
  insertPerson(block: PersonBlock, person: BlockedPerson): Promise<boolean>;
  getPerson(id: string): Promise<PersonBlock | null>;
  listPersons(page: Page): Promise<readonly PersonBlock[]>;
  /** Null: there is none by that id. */
  deletePerson(id: string): Promise<PersonBlock | null>;
  /** Whether anybody is blocked at all, which spares most companies the question who is. */
  hasPersons(): Promise<boolean>;
  /** Which of these people are blocked, by their place in the list. */
  blockedAmong(
    people: readonly { readonly numberDigest: Uint8Array; readonly userId: string | null }[],
  ): Promise<ReadonlySet<number>>;
  /** Marks every route that is live and leads from or to this person. Returns how many. */
  stopPerson(id: string, person: BlockedPerson, now: Instant): Promise<number>;
  /** Marks the routes that lead to this participant. */
  stopCallee(id: string, sessionId: string, participantId: string): Promise<void>;
  /** Takes the mark of a block off all routes. */
  lift(id: string): Promise<void>;
  /** Returns the block that stands: this one, or one that says the same. */
  insertInSession(block: SessionBlock): Promise<SessionBlock>;
  deleteInSession(sessionId: string, id: string): Promise<SessionBlock | null>;
  /** Marks the routes of a session, which may be new, by every block that concerns it. */
  stopInSession(sessionId: string): Promise<void>;
}
