import { SIMULATED_DESTINATIONS } from '../../src/domain/destination.ts';
import { POLICY_DEFAULTS, type Pool } from '../../src/domain/pool.ts';
import type { Random } from '../../src/lib/random.ts';
import { drawFaultRates, type FaultRates } from './fault-plan.ts';
import { POOL } from './replica.ts';

/** What kind of world a seed makes. */
export interface Shape {
  readonly pool: Pool;
  readonly people: number;
  readonly orders: number;
  readonly gating: number;
  readonly rates: FaultRates;
  /** at most so far is a replica's clock from the truth, milliseconds */
  readonly skewMs: number;
  readonly secondAccount: boolean;
  readonly gathers: boolean;
  /** calls that the tenant may connect in an hour of the clock; null is no cap */
  readonly hourlyCap: number | null;
  /** numbers that each account may buy in 30 days; null is more than a run could */
  readonly monthlyPurchases: number | null;
  /** milliseconds that pass between two steps at most */
  readonly paceMs: number;
  /** the probability that a step has an action of FURTHER_ACTIONS as well */
  readonly furtherActions: number;
}

/** Leave this out, and nobody blocks, announces a call or has a PIN, and no history is led to a narrow place. */
export const FURTHER = 'further actions';

export function drawShape(random: Random, without: readonly string[]): Shape {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random.next() * values.length)] as T;
  const secondAccount = random.next() < 0.3;
  const lowWater = pick([0, 2, 6]);
  const target = lowWater + pick([2, 6, 12]);
  const pool: Pool = {
    ...POLICY_DEFAULTS,
    destinations: SIMULATED_DESTINATIONS,
    name: POOL,
    mode: pick(['dedicated', 'dedicated', 'shared']),
    selection: pick(['avoid_sticky', 'avoid_sticky', 'prefer_sticky']),
    countries: ['US'],
    numberQuarantineSeconds: pick([0, 30, 300]),
    pairQuarantineSeconds: pick([0, 60, 300]),
    graceSeconds: pick([0, 0, 30]),
    sessionTtlSeconds: pick([60, 600, 3_600]),
    ringTimeoutSeconds: pick([5, 25]),
    maxCallSeconds: pick([10, 600]),
    concurrentCallsMax: pick([1, 1, 2, 20]),
    hourlyAttemptsMax: pick([3, 20, 200]),
    totalTalkSecondsMax: pick([60, 7_200]),
    messagesPerMinuteMax: pick([1, 10]),
    messagesPerDayMax: pick([3, 60]),
    stock: {
      providerAccount: 'main',
      fallbackAccounts: secondAccount ? ['second'] : [],
      lowWater,
      target,
      max: target + pick([0, 4, 30]),
    },
  };
  const shape = {
    pool,
    people: pick([3, 5, 8]),
    orders: pick([3, 8, 20]),
    gating: pick([0, 0.1, 0.5]),
    rates: drawFaultRates(random, without),
    skewMs: without.includes('skew') ? 0 : pick([0, 0, 0, 1_500]),
    secondAccount,
    gathers: pick([true, true, false]),
    hourlyCap: pick([null, null, null, 2]),
    monthlyPurchases: pick([null, null, null, 6]),
    paceMs: pick([50, 500, 3_000]),
  };
  // Drawn last, so that a world without it is what it was.
  const furtherActions = pick([0, 0.1, 0.25]);
  const stepUp = pick(['none', 'intent', 'pin', 'pin'] as const);
  if (without.includes(FURTHER) || furtherActions === 0) return { ...shape, furtherActions: 0 };
  return { ...shape, pool: { ...pool, stepUp }, furtherActions };
}
