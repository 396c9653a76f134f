import type { StepUp } from '../domain/pool.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { Instant } from '../lib/clock.ts';
import type { CallerKey } from '../privacy/vault.ts';
import type { CallLimits, NewCall, RecordedCall } from './call-storage.ts';
import type { FoundRoute } from './route-storage.ts';

/** What an unknown caller on this number may show; alike for every number of a pool, whatever becomes of it. */
export interface StepUpOffer {
  readonly stepUp: StepUp;
  /** whether many sessions may share the number */
  readonly shared: boolean;
}

/** The way from one participant to another: what the one dials, and the key of that route. */
export interface SessionWay {
  readonly virtualNumber: VirtualNumber;
  readonly routeKey: CallerKey;
  readonly stepUp: StepUp;
  readonly liveUntil: Instant;
}

export interface NewCallIntent {
  readonly id: string;
  readonly sessionId: string;
  readonly participantId: string;
  readonly virtualNumber: VirtualNumber;
  readonly routeKey: CallerKey;
  /** null: from any number */
  readonly callerKey: CallerKey | null;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
}

/** A route that a PIN could open; without `pinHash` its participant was given none. */
export interface PinCandidate {
  readonly routeKey: CallerKey;
  readonly sessionId: string;
  readonly participantId: string;
  readonly pinHash: Uint8Array | null;
}

/** A call that was asked for a PIN, locked until the transaction ends. */
export interface PinCall {
  readonly id: string;
  readonly state: string;
  readonly decision: string;
  readonly reason: NewCall['reason'];
  readonly pinTries: number;
  /** of the digits that were keyed last */
  readonly pinLast: Uint8Array | null;
}

export interface StepUpStorage {
  offer(providerAccount: string | null, virtualNumber: VirtualNumber): Promise<StepUpOffer>;
  wayBetween(sessionId: string, callingId: string, calledId: string): Promise<SessionWay | null>;
  /** Takes the place of what this participant has announced on this number and not used. */
  insertIntent(intent: NewCallIntent): Promise<void>;
  /**
   * Uses up the intent that this call can mean, and returns its route; null when there is none, or more than one.
   * One that names the calling number comes before one that names none. `routeKey`: only one of that participant.
   */
  useIntent(question: {
    readonly virtualNumber: VirtualNumber;
    readonly callerKey: CallerKey | null;
    readonly routeKey: CallerKey | null;
    readonly now: Instant;
  }): Promise<CallerKey | null>;
  setPin(
    sessionId: string,
    participantId: string,
    pin: { readonly hash: Uint8Array; readonly digits: number },
    at: Instant,
  ): Promise<void>;
  lockPinCall(providerAccount: string, providerCallId: string): Promise<PinCall | null>;
  /** Live routes on a number, at most `limit`; with `routeKey` that one alone. */
  pinCandidates(question: {
    readonly virtualNumber: VirtualNumber;
    readonly routeKey: CallerKey | null;
    readonly now: Instant;
    readonly limit: number;
  }): Promise<readonly PinCandidate[]>;
  /** Counts a try of this day and returns how many it makes; `sessionId` is '' where several could be meant. */
  countTry(virtualNumber: VirtualNumber, sessionId: string, now: Instant, dayAgo: Instant): Promise<number>;
  /** Takes back the try that turned out right. */
  forgetTry(virtualNumber: VirtualNumber, sessionId: string): Promise<void>;
  noteWrongPin(callId: string, guess: Uint8Array): Promise<void>;
  /** Makes a call that was asked for a PIN one that is connected by this route, counted as any other. */
  promote(
    call: Pick<NewCall, 'id' | 'providerAccount' | 'providerCallId' | 'startedAt'>,
    route: FoundRoute,
    routeKey: CallerKey,
    guess: Uint8Array,
    limits: CallLimits,
  ): Promise<RecordedCall>;
}
