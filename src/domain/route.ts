import type { AttestationPolicy, PoolPolicy, StepUp } from './pool.ts';
import { modeAllows, type SessionMode } from './session.ts';
import type { VirtualNumber } from './virtual-number.ts';

/** Why a conversation was connected or not; a closed list that is stored, published and documented. */
export const DECISION_REASONS = [
  'ok',
  'unknown_number',
  'unknown_caller',
  'session_ended',
  'mode_not_allowed',
  'blocked',
  'rate_limited',
  'destination_not_allowed',
  'caller_not_verified',
  'too_late',
] as const;
export type DecisionReason = (typeof DECISION_REASONS)[number];
export type RefusalReason = Exclude<DecisionReason, 'ok'>;

/** What a refused caller hears. There are two sentences only: more would tell a stranger something. */
export type Announcement = 'neutral' | 'session_ended';

export const ANNOUNCEMENTS: Readonly<Record<Announcement, string>> = {
  neutral: 'The number you have dialled cannot be connected. Goodbye.',
  session_ended:
    'This order has ended, so the other person can no longer be reached on this number. Goodbye.',
};

/** Only somebody who was a participant hears that the order has ended; every other refusal sounds the same. */
export function announcementFor(reason: RefusalReason): Announcement {
  return reason === 'session_ended' ? 'session_ended' : 'neutral';
}

/**
 * What storage knows about (dialled virtual number, caller): the route if there is one, live or resting.
 * It holds everything that an answer needs, so that a decision takes one look-up.
 */
export interface RouteFacts extends RouteTerms {
  readonly sessionId: string;
  readonly callingParticipantId: string;
  readonly callingRole: string;
  readonly calledParticipantId: string;
  readonly calledRole: string;
  /** the virtual number to show to the callee: the one that stands for the caller */
  readonly callerId: VirtualNumber;
  readonly mode: SessionMode;
  readonly liveUntil: number;
}

/** What the pool said when the route was made; a session keeps it, whatever becomes of the pool. */
export interface RouteTerms {
  readonly ringTimeoutSeconds: number;
  readonly maxCallSeconds: number;
  readonly attestation: AttestationPolicy;
  /** what both hear before the call is recorded; null is no recording */
  readonly recordingConsent: string | null;
  readonly attachments: boolean;
  readonly maskNumbers: boolean;
  readonly stepUp: StepUp;
  readonly concurrentCallsMax: number;
  readonly hourlyAttemptsMax: number;
  readonly totalTalkSecondsMax: number;
}

export function routeTerms(pool: PoolPolicy): RouteTerms {
  return {
    ringTimeoutSeconds: pool.ringTimeoutSeconds,
    maxCallSeconds: pool.maxCallSeconds,
    attestation: pool.attestation,
    recordingConsent: pool.recording?.consent ?? null,
    attachments: pool.attachments,
    maskNumbers: pool.maskNumbersInMessages,
    stepUp: pool.stepUp,
    concurrentCallsMax: pool.concurrentCallsMax,
    hourlyAttemptsMax: pool.hourlyAttemptsMax,
    totalTalkSecondsMax: pool.totalTalkSecondsMax,
  };
}

/** The verdict of STIR/SHAKEN on a caller, in our words; null when the network says nothing. */
export type Verification = 'A' | 'B' | 'C' | 'failed' | null;

export type RouteVerdict =
  | { readonly reason: 'ok'; readonly route: RouteFacts }
  | { readonly reason: RefusalReason; readonly route: RouteFacts | null };

/** The rules of M6 to M8, on facts alone. Every doubt ends in a refusal. */
export function judgeRoute(facts: {
  readonly now: number;
  readonly kind: 'call' | 'message';
  /** whether the dialled number is held by this tenant at the provider account that asks */
  readonly numberKnown: boolean;
  readonly route: (RouteFacts & { readonly blocked: boolean }) | null;
  /** null for a text: no network vouches for those */
  readonly verification: Verification;
}): RouteVerdict {
  if (!facts.numberKnown) return { reason: 'unknown_number', route: null };
  if (facts.route === null) return { reason: 'unknown_caller', route: null };
  if (facts.now >= facts.route.liveUntil) return { reason: 'session_ended', route: facts.route };
  if (facts.route.blocked) return { reason: 'blocked', route: facts.route };
  if (!modeAllows(facts.route.mode, facts.kind)) return { reason: 'mode_not_allowed', route: facts.route };
  if (facts.kind === 'call' && !isVerifiedEnough(facts.route.attestation, facts.verification)) {
    return { reason: 'caller_not_verified', route: facts.route };
  }
  return { reason: 'ok', route: facts.route };
}

/**
 * Silence is no evidence: most calls of the world carry no attestation. A failed verification is: somebody has
 * signed a number that is not theirs, or changed what was signed.
 */
function isVerifiedEnough(policy: AttestationPolicy, verification: Verification): boolean {
  if (policy === 'ignore') return true;
  return policy === 'prefer' ? verification !== 'failed' : verification === 'A';
}

/** One ordered pair of a session: when `calling` dials `dialled`, `called` rings and sees `shown`. */
export interface RoutePair<P> {
  readonly calling: P;
  readonly called: P;
  readonly dialled: VirtualNumber;
  readonly shown: VirtualNumber;
}

/** n participants make n × (n − 1) routes. `numbers[i]` stands for `participants[i]`. */
export function routePairs<P>(participants: readonly P[], numbers: readonly VirtualNumber[]): RoutePair<P>[] {
  const pairs: RoutePair<P>[] = [];
  participants.forEach((calling, i) => {
    participants.forEach((called, j) => {
      const dialled = numbers[j];
      const shown = numbers[i];
      if (i !== j && dialled && shown) pairs.push({ calling, called, dialled, shown });
    });
  });
  return pairs;
}
