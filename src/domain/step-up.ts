import type { StepUp } from './pool.ts';
import type { DecisionReason } from './route.ts';

/** A guess at 6 digits is right once in 10^6, and five are tried a day. */
export const PIN_DIGITS = 6;
/**
 * On a shared number a guess could be any of many people's PIN, up to PIN_CANDIDATES_MAXIMUM: 10 digits keep 50 guesses
 * a day at 500 candidates below 5 in 10^6.
 */
export const SHARED_PIN_DIGITS = 10;
/** What is keyed beyond that is no PIN, whatever it begins with. */
export const KEYED_DIGITS_MAXIMUM = 16;
export const PIN_TRIES_A_CALL = 3;
export const PIN_CANDIDATES_MAXIMUM = 500;

export function pinDigits(shared: boolean): number {
  return shared ? SHARED_PIN_DIGITS : PIN_DIGITS;
}

/** Wrong PINs in 24 hours, of the session, or of the number where several sessions could be meant. */
export function pinTriesADay(shared: boolean): number {
  return shared ? 50 : 5;
}

/** Who can be helped by showing something: whoever is not known, or claims a number that nobody vouches for. */
export function canStepUp(reason: DecisionReason, kind: 'call' | 'message'): boolean {
  return (
    kind === 'call' &&
    (reason === 'unknown_caller' || reason === 'caller_not_verified' || reason === 'unknown_number')
  );
}

/** What the caller is asked for, when nobody has announced the call. */
export function asksForPin(stepUp: StepUp, canCollect: boolean): boolean {
  return stepUp === 'pin' && canCollect;
}
