import type { CallProgress, CallRecord, LegStatus } from '../domain/call.ts';
import type { DecisionReason, Verification } from '../domain/route.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { Instant } from '../lib/clock.ts';
import type { Page } from '../lib/page.ts';
import type { CallerKey, ParticipantKey, Sealed } from '../privacy/vault.ts';
import type { OutboxEvent } from './outbox-storage.ts';

export interface NewCall {
  readonly id: string;
  readonly providerAccount: string;
  readonly providerCallId: string;
  readonly sessionId: string | null;
  readonly reference: string | null;
  readonly callingParticipantId: string | null;
  readonly callingRole: string | null;
  readonly calledParticipantId: string | null;
  readonly calledRole: string | null;
  readonly virtualNumber: string;
  readonly callerKey: CallerKey | null;
  /** of the route that was taken, where that is not `callerKey`; null otherwise */
  readonly routeKey: CallerKey | null;
  readonly callerId: VirtualNumber | null;
  readonly decision: CallRecord['decision'];
  readonly reason: DecisionReason;
  readonly ringTimeoutSeconds: number | null;
  readonly maxCallSeconds: number | null;
  readonly startedAt: Instant;
  readonly attestation: Verification;
}

/** What the caller may do within the session, from the route; a call that passes is counted until `heldUntil`. */
export interface CallLimits {
  readonly concurrentCallsMax: number;
  readonly hourlyAttemptsMax: number;
  readonly totalTalkSecondsMax: number;
  /** when it no longer counts as running, if nobody reports that it was answered or has ended */
  readonly heldUntil: Instant;
}

/** How the call was recorded: as it was to be, or as `rate_limited`. */
export interface RecordedCall {
  readonly reason: DecisionReason;
  /** shorter than asked for when the caller has little of the session's talk left */
  readonly maxCallSeconds: number | null;
}

export interface LockedCall extends CallRecord {
  readonly calledParticipantId: string | null;
  readonly reference: string | null;
  readonly maxCallSeconds: number | null;
}

export interface ReportedCall extends LockedCall {
  /** then its numbers and pairs rest from the end of the call */
  readonly sessionClosed: boolean;
}

/** What a status callback adds to a call. */
export interface CallReport {
  /** as it was read, and judged by */
  readonly call: ReportedCall;
  readonly progress: CallProgress;
  readonly legStatus: LegStatus;
  readonly receivedAt: Instant;
  /** null: nothing is announced */
  readonly announced: OutboxEvent | null;
}

export interface DecidedCall extends CallRecord {
  readonly callerKey: CallerKey | null;
  /** of the route that was taken, where that is not `callerKey` */
  readonly routeKey: CallerKey | null;
  /** of the PIN that connected it; null without one */
  readonly pinLast: Uint8Array | null;
  readonly ringTimeoutSeconds: number | null;
  readonly maxCallSeconds: number | null;
  /** of the route that was chosen, if it is still the same and live; else null */
  readonly sealedDestination: Sealed | null;
  /** of that route */
  readonly recordingConsent: string | null;
  readonly participantKey: ParticipantKey | null;
}

export interface CallStorage {
  /**
   * Records the decision and what it announces, in one statement, which also counts a call that is to be connected
   * against its limits: beyond them it is recorded, and announced, as `rate_limited`. Null: it was decided before.
   * @param event null: nothing is announced yet
   * @param limits null: it is not counted
   */
  insert(call: NewCall, event: OutboxEvent | null, limits: CallLimits | null): Promise<RecordedCall | null>;
  /** The decision on this call, if one was taken, with the destination if its route is live at `now`. */
  decided(providerAccount: string, providerCallId: string, now: Instant): Promise<DecidedCall | null>;
  /** One more question is told the decision. False when it was taken back meanwhile. */
  tellAgain(id: string): Promise<boolean>;
  /** One of them was told something else after all. Returns how many are left. */
  untell(id: string): Promise<number>;
  /** Turns a decision that came too late to be told into a refusal, so that it is never told. */
  refuse(providerAccount: string, providerCallId: string, reason: DecisionReason, at: Instant): Promise<void>;
  get(id: string): Promise<CallRecord | null>;
  list(
    filter: { sessionId: string | null; reference: string | null },
    page: Page,
  ): Promise<readonly CallRecord[]>;
  /** Locks the call until the transaction ends. */
  lock(providerAccount: string, providerCallId: string): Promise<LockedCall | null>;
  lockById(id: string): Promise<LockedCall | null>;
  /** The call as it is now, for a report of it; it is not locked. */
  reported(providerAccount: string, providerCallId: string): Promise<ReportedCall | null>;
  /**
   * Writes what a report adds and announces it, in one statement. False, and nothing is changed, when the call has
   * changed since it was read, or its session is closed.
   */
  report(report: CallReport): Promise<boolean>;
  /** The provider was asked how these have ended. */
  setChecked(ids: readonly string[], at: Instant): Promise<void>;
  setProgress(id: string, progress: CallProgress): Promise<void>;
  addEvent(id: string, status: LegStatus, receivedAt: Instant): Promise<void>;
  /** When it must have ended at the latest, by its own limits; null for one that was not connected. */
  endsBy(id: string): Promise<Instant | null>;
  /** When the last call of the session ended, or must have ended at the latest; null without calls. */
  lastEndOf(sessionId: string): Promise<Instant | null>;
}
