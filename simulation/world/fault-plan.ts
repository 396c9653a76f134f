import type { Random } from '../../src/lib/random.ts';

/** Probabilities, each for one visit of its fault point. All zero once the faults have healed. */
export interface FaultRates {
  /** the connection is gone before the statement is sent: nothing happened */
  databaseDrop: number;
  /** the change was committed, and whoever asked is told that nobody knows */
  databaseUnknown: number;
  /** the connection is gone in the middle of a transaction */
  databaseAbort: number;
  /** a search for numbers answers with what it said before, as if others had committed since */
  staleRead: number;
  /** the replica dies at a fault point */
  crash: number;
  busDrop: number;
  /** the messages are there, and the publisher is told that they may not be */
  busUnknown: number;
  /** a batch begins earlier than where the group stands */
  busRepeat: number;
  /** the provider asks the same question of two replicas at once */
  askTwice: number;
  /** the provider does not hear the answer */
  answerLost: number;
  providerError: number;
  profileError: number;
}

export const NO_RATES: FaultRates = {
  databaseDrop: 0,
  databaseUnknown: 0,
  databaseAbort: 0,
  staleRead: 0,
  crash: 0,
  busDrop: 0,
  busUnknown: 0,
  busRepeat: 0,
  askTwice: 0,
  answerLost: 0,
  providerError: 0,
  profileError: 0,
};

export type FaultKind = keyof FaultRates;
export const FAULT_KINDS = Object.keys(NO_RATES) as readonly FaultKind[];

const LEVELS = [0, 0, 0.01, 0.05, 0.2];
/** It costs one more attempt, so it may be frequent. */
const HARMLESS_LEVELS = [0, 0.1, 0.5];
/** These are visited hundreds of times a run; more would leave nothing standing. */
const RARE_LEVELS = [0, 0, 0.001, 0.004, 0.01];
const RARE: readonly FaultKind[] = ['crash', 'databaseDrop', 'databaseUnknown', 'databaseAbort'];

/** Swarm: each seed has its own faults at its own rates, and some have none, because they mask each other. */
export function drawFaultRates(random: Random, without: readonly string[]): FaultRates {
  const rates = { ...NO_RATES };
  const quiet = random.next() < 0.15;
  for (const kind of FAULT_KINDS) {
    const levels = kind === 'staleRead' ? HARMLESS_LEVELS : RARE.includes(kind) ? RARE_LEVELS : LEVELS;
    const drawn = levels[Math.floor(random.next() * levels.length)] ?? 0;
    if (!quiet && !without.includes(kind)) rates[kind] = drawn;
  }
  return rates;
}
