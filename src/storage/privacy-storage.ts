import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { Instant } from '../lib/clock.ts';
import type { KeyState } from '../privacy/tenant-keys.ts';
import type { CallerKey, IndexedCallerKey, KeyStore, ParticipantKey, Sealed } from '../privacy/vault.ts';

/** The data keys, as commands and the job that exchanges them need them. */
export interface KeyRingStore extends KeyStore {
  /** Returns false when the key was in another state. */
  dataKeySetState(tenant: string, keyId: number, from: KeyState, to: KeyState): Promise<boolean>;
  /** What `incoming` was, `outgoing` is afterwards, and the reverse; both or neither. */
  indexKeySwap(tenant: string, outgoing: number, incoming: number): Promise<void>;
  /** Returns false when the key was wrapped anew meanwhile. */
  dataKeyRewrap(tenant: string, keyId: number, from: Sealed, to: Sealed): Promise<boolean>;
  /** For good. */
  dataKeyDestroy(tenant: string, keyId: number, at: Instant): Promise<void>;
}

export interface ParticipantPlace {
  readonly sessionId: string;
  readonly id: string;
}

export interface SealedParticipant extends ParticipantPlace {
  readonly sealedNumber: Sealed;
  readonly participantKey: ParticipantKey | null;
}

export interface SealedRoute {
  readonly virtualNumber: VirtualNumber;
  readonly callerKey: CallerKey;
  readonly sealedDestination: Sealed;
  readonly participantKey: ParticipantKey | null;
}

/** A route that has no twin under the incoming index key yet, with what a twin is made of. */
export interface LonelyRoute extends SealedRoute {
  readonly callingParticipant: string;
  /** of the caller; null when it was erased, and so is the key of the caller */
  readonly callerSealedNumber: Sealed | null;
  readonly callerParticipantKey: ParticipantKey | null;
}

export interface Resealed {
  /** as it stands in the row; changed meanwhile, it is left alone */
  readonly before: Sealed;
  readonly after: Sealed;
}

/**
 * Of so many rows that were read in the order of their keys, those that were asked for. Bounded by what is read, so that
 * no statement takes longer when there are few or none of them.
 */
export interface KeyedPage<R, K> {
  readonly rows: readonly R[];
  /** the last that was read, after which the next page begins; null: there was no more to read */
  readonly next: K | null;
}

/** What a key still holds. */
export interface KeyUse {
  readonly keyId: number;
  readonly participants: number;
  readonly routes: number;
}

/** Rows of one person, to be erased. */
export interface UserTraces {
  readonly sessionId: string;
  readonly reference: string;
  readonly participantId: string;
  readonly role: string;
  readonly closed: boolean;
}

export interface RouteToRekey {
  readonly sessionId: string;
  readonly reference: string;
  readonly lonely: boolean;
}

export interface RouteKey {
  readonly virtualNumber: string;
  readonly callerKey: CallerKey;
}

/** Exchange of keys, retention and erasure of one tenant's real numbers. */
export interface PrivacyStorage {
  /** Of `limit` participants in the order of (session, participant), after the one given. */
  participantsSealedWith(
    keyIds: readonly number[],
    after: ParticipantPlace | null,
    limit: number,
  ): Promise<KeyedPage<SealedParticipant, ParticipantPlace>>;
  resealParticipants(rows: readonly (Resealed & ParticipantPlace)[]): Promise<void>;
  /** Of `limit` routes in the order of (virtual number, caller key), after the one given. */
  routesSealedWith(
    keyIds: readonly number[],
    after: RouteKey | null,
    limit: number,
  ): Promise<KeyedPage<SealedRoute, RouteKey>>;
  resealRoutes(
    rows: readonly (Resealed & { readonly virtualNumber: string; readonly callerKey: CallerKey })[],
  ): Promise<void>;
  /** Participants and routes under each sealing key. */
  sealingUse(): Promise<readonly KeyUse[]>;
  /** Participants and routes under each index key; key 0 stands for rows from before keys were noted. */
  indexUse(): Promise<readonly KeyUse[]>;

  /**
   * A row for each route, in the order of sessions, after the session given; `lonely` is one that was not made under this
   * index key and has no twin that was. Bounded by the rows that are read, so that it takes as long when none is.
   */
  sessionsToRekey(indexKeyId: number, after: string | null, limit: number): Promise<readonly RouteToRekey[]>;
  /** Locks the orders, in one order of their own, until the transaction ends. */
  lockReferences(references: readonly string[]): Promise<void>;
  lonelyRoutes(sessionIds: readonly string[], indexKeyId: number): Promise<readonly LonelyRoute[]>;
  /** The same routes again under other caller keys. */
  addTwins(
    twins: readonly {
      readonly of: { readonly virtualNumber: VirtualNumber; readonly callerKey: CallerKey };
      readonly twin: IndexedCallerKey & { readonly sealedDestination: Sealed };
    }[],
  ): Promise<void>;
  /** Of `limit` routes in the order of (virtual number, caller key), after the one given. Returns where it ended. */
  deleteRoutesNotUnder(
    indexKeyId: number,
    after: RouteKey | null,
    limit: number,
  ): Promise<KeyedPage<never, RouteKey>>;
  participantsNotUnder(
    indexKeyId: number,
    after: ParticipantPlace | null,
    limit: number,
  ): Promise<KeyedPage<SealedParticipant, ParticipantPlace>>;
  setCallerKeys(rows: readonly (IndexedCallerKey & ParticipantPlace)[]): Promise<void>;

  /** Erases the caller keys of calls and messages from before then; returns how many. */
  eraseCallerKeysBefore(before: Instant, limit: number): Promise<number>;
  tracesOf(userId: string): Promise<readonly UserTraces[]>;
  eraseParticipant(trace: UserTraces): Promise<void>;
  /** Answers that are kept for repeated requests and name the user. */
  forgetAnswersAbout(userId: string): Promise<void>;

  /** Who stood behind a number at a moment, or in the grace after it. */
  holders(virtualNumber: string, at: Instant, limit: number): Promise<readonly Holder[]>;
  participant(id: string): Promise<SealedHolder | null>;
}

export interface Holder {
  readonly sessionId: string;
  readonly reference: string;
  readonly participantId: string;
  readonly role: string;
  readonly userId: string | null;
  readonly from: Instant;
  /** null: it stands for that person still */
  readonly until: Instant | null;
  /** after it: the grace in which the others could still reach that person by it */
  readonly inGrace: boolean;
  readonly sealedNumber: Sealed | null;
  readonly participantKey: ParticipantKey | null;
}

export interface SealedHolder {
  readonly sessionId: string;
  readonly role: string;
  readonly userId: string | null;
  readonly sealedNumber: Sealed | null;
  readonly participantKey: ParticipantKey | null;
}
