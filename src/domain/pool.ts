/** `dedicated`: a virtual number serves one session at a time. `shared`: many, as long as no caller could mean two. */
export type PoolMode = 'dedicated' | 'shared';

/** Whether a person gets the number that stood for them before (`prefer_sticky`) or, if possible, another. */
export type Selection = 'avoid_sticky' | 'prefer_sticky';

/** Numbers are bought when fewer than `lowWater` are to spare, up to `target` to spare, and never beyond `max` in all. */
export interface StockPolicy {
  readonly providerAccount: string;
  readonly lowWater: number;
  readonly target: number;
  readonly max: number;
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
} as const;

export interface StockNow {
  readonly inService: number;
  readonly idle: number;
  readonly allocated: number;
  readonly resting: number;
  readonly reserved: number;
  readonly draining: number;
  readonly suspended: number;
}
