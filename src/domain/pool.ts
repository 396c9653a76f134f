import { DESTINATIONS_DEFAULT, type DestinationRule } from './destination.ts';

/** `dedicated`: a virtual number serves one session at a time. `shared`: many, as long as no caller could mean two. */
export type PoolMode = 'dedicated' | 'shared';

/** Whether a person gets the number that stood for them before (`prefer_sticky`) or, if possible, another. */
export type Selection = 'avoid_sticky' | 'prefer_sticky';

/** Numbers are bought when fewer than `lowWater` are to spare, up to `target` to spare, and never beyond `max` in all. */
export interface StockPolicy {
  readonly providerAccount: string;
  /** bought from, in this order, while the one before cannot deliver */
  readonly fallbackAccounts: readonly string[];
  readonly lowWater: number;
  readonly target: number;
  readonly max: number;
}

/**
 * What STIR/SHAKEN must say of a caller. `ignore`: it is only recorded. `prefer`: one whose verification failed is
 * refused, and one that nothing is said of is not. `require`: only full attestation, `A`, is connected.
 */
export type AttestationPolicy = 'ignore' | 'prefer' | 'require';

/**
 * What connects a caller who is unknown, who withholds the number, or who is not verified enough. `none`: nothing.
 * `intent`: a call that the app has announced a moment before. `pin`: that, or the PIN of a participant.
 */
export type StepUp = 'none' | 'intent' | 'pin';

/** Calls are recorded, after both have heard the sentence. */
export interface RecordingPolicy {
  readonly consent: string;
}

export interface PoolPolicy {
  readonly mode: PoolMode;
  readonly selection: Selection;
  /** ISO 3166-1 alpha-2, in order of preference; where numbers are bought */
  readonly countries: readonly string[];
  readonly numberQuarantineSeconds: number;
  readonly pairQuarantineSeconds: number;
  readonly graceSeconds: number;
  readonly sessionTtlSeconds: number;
  readonly ringTimeoutSeconds: number;
  readonly maxCallSeconds: number;
  readonly stock: StockPolicy | null;
  readonly attestation: AttestationPolicy;
  /** null: nothing is ever recorded */
  readonly recording: RecordingPolicy | null;
  /** whether pictures and the like are passed on with a text; if not, the text says that there was one */
  readonly attachments: boolean;
  readonly maskNumbersInMessages: boolean;
  readonly stepUp: StepUp;
  /** calls that one caller of a session may have at a time */
  readonly concurrentCallsMax: number;
  /** calls that one caller of a session may try in any 60 minutes, refused ones included */
  readonly hourlyAttemptsMax: number;
  /** seconds of talk that one caller of a session may begin in all */
  readonly totalTalkSecondsMax: number;
  /** a participant's number must have been verified since so long ago; null: nobody asks */
  readonly verificationMaxAgeSeconds: number | null;
  /** which real numbers take part, checked when they come in and again when a call routes */
  readonly destinations: DestinationRule;
  /** texts that a session may carry in any 60 seconds, and in any 24 hours */
  readonly messagesPerMinuteMax: number;
  readonly messagesPerDayMax: number;
}

export interface Pool extends PoolPolicy {
  readonly name: string;
}

/** Defaults, and the range that each value may take. Seconds. */
export const POOL_LIMITS = {
  numberQuarantineSeconds: { default: 15 * 60, minimum: 0, maximum: 90 * 86_400 },
  pairQuarantineSeconds: { default: 7 * 86_400, minimum: 0, maximum: 90 * 86_400 },
  graceSeconds: { default: 0, minimum: 0, maximum: 3_600 },
  sessionTtlSeconds: { default: 4 * 3_600, minimum: 1, maximum: 24 * 3_600 },
  // 25 s by default: short of the point where most voicemail boxes answer and would tell whose they are.
  ringTimeoutSeconds: { default: 25, minimum: 5, maximum: 120 },
  maxCallSeconds: { default: 3_600, minimum: 10, maximum: 4 * 3_600 },
  totalTalkSecondsMax: { default: 2 * 3_600, minimum: 60, maximum: 7 * 86_400 },
} as const;

/** Counts: what one caller of a session may do before it is harassment. */
export const CALL_COUNTS = {
  // Two, because who redials after a call broke off is quicker than the report of its end.
  concurrentCallsMax: { default: 2, minimum: 1, maximum: 20 },
  hourlyAttemptsMax: { default: 20, minimum: 1, maximum: 200 },
} as const;

/** Counts of texts within one session, in both directions together. */
export const MESSAGE_COUNTS = {
  messagesPerMinuteMax: { default: 10, minimum: 1, maximum: 600 },
  messagesPerDayMax: { default: 60, minimum: 1, maximum: 1_000 },
} as const;

/** What a pool does about things that it says nothing about: the cautious side of each. */
export const POLICY_DEFAULTS = {
  attestation: 'ignore',
  recording: null,
  attachments: false,
  maskNumbersInMessages: false,
  stepUp: 'none',
  concurrentCallsMax: CALL_COUNTS.concurrentCallsMax.default,
  hourlyAttemptsMax: CALL_COUNTS.hourlyAttemptsMax.default,
  totalTalkSecondsMax: POOL_LIMITS.totalTalkSecondsMax.default,
  verificationMaxAgeSeconds: null,
  destinations: DESTINATIONS_DEFAULT,
  messagesPerMinuteMax: MESSAGE_COUNTS.messagesPerMinuteMax.default,
  messagesPerDayMax: MESSAGE_COUNTS.messagesPerDayMax.default,
} as const satisfies Partial<PoolPolicy>;

export const FALLBACK_ACCOUNTS_MAXIMUM = 5;

/** The accounts that a pool buys from, in order. */
export function stockAccounts(stock: StockPolicy): readonly string[] {
  return [...new Set([stock.providerAccount, ...stock.fallbackAccounts])];
}

export interface StockNow {
  readonly inService: number;
  readonly idle: number;
  readonly allocated: number;
  readonly resting: number;
  readonly reserved: number;
  readonly draining: number;
  readonly suspended: number;
}
