import type { NumberClass } from '../domain/destination.ts';
import type { RouteFacts } from '../domain/route.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { Instant } from '../lib/clock.ts';
import type { CallerKey, ParticipantKey, Sealed } from '../privacy/vault.ts';

export interface NewRoute extends Omit<RouteFacts, 'sessionId'> {
  readonly virtualNumber: VirtualNumber;
  readonly callerKey: CallerKey;
  /** which index key made it */
  readonly indexKeyId: number;
  readonly reference: string;
  readonly sealedDestination: Sealed;
  /** of the caller's and the callee's number */
  readonly callingClass: NumberClass;
  readonly calledClass: NumberClass;
}

export interface RouteLookup {
  /** whether the dialled number is held at the provider account that asks, and not decommissioned */
  readonly numberKnown: boolean;
  readonly route: FoundRoute | null;
}

export interface FoundRoute extends RouteFacts {
  /** whose rules on destinations hold */
  readonly pool: string;
  /** null in a route of a former version */
  readonly callingClass: NumberClass | null;
  readonly calledClass: NumberClass | null;
  readonly reference: string;
  /** by a participant, by the company, or because the callee's number serves nobody: see `blocked_by` */
  readonly blocked: boolean;
  /** whether the session is closed, and the route lives on grace alone */
  readonly inGrace: boolean;
  readonly sealedDestination: Sealed | null;
  /** what it opens with: the callee's */
  readonly participantKey: ParticipantKey | null;
}

export interface RouteStorage {
  /**
   * Inserts all, or returns false: somebody holds one of the keys. A route whose rest is over is replaced.
   * After false, some may have been inserted; the caller undoes them with its savepoint.
   */
  insertAll(sessionId: string, routes: readonly NewRoute[], now: Instant): Promise<boolean>;
  /** The hot question. One statement, three primary-key look-ups, no join on the session. */
  lookup(question: {
    /** null: whichever account of the tenant holds the number */
    readonly providerAccount: string | null;
    readonly virtualNumber: VirtualNumber;
    readonly callerKey: CallerKey | null;
    readonly now: Instant;
  }): Promise<RouteLookup>;
  rest(sessionId: string, liveUntil: Instant, restingUntil: Instant): Promise<void>;
  /** Prolongs or shortens the life of an open session's routes. */
  setLiveUntil(sessionId: string, liveUntil: Instant): Promise<void>;
  /** Ends what one person of a session could dial: that person's number has changed. */
  restOf(sessionId: string, participantId: string, liveUntil: Instant, restingUntil: Instant): Promise<void>;
  setDestination(
    virtualNumber: VirtualNumber,
    callerKey: CallerKey,
    sealed: Sealed,
    calledClass: NumberClass,
  ): Promise<void>;
}
