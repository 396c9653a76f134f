import type { ErrorCode } from '../domain/errors.ts';

/** Why a message went to the dead-letter topic; a closed list that is a header there and a label of a metric. */
export const POISON_REASONS = [
  /** the value is above the limit and was not looked at */
  'too_large',
  'not_a_cloud_event',
  /** a CloudEvent of a type that nobody here handles */
  'unknown_type',
  /** `data` breaks its schema */
  'invalid_data',
  /** a `realNumber` that is no phone number, that may not take part, or that two participants share */
  'invalid_number',
  'unknown_pool',
  /** the Profile directory knows no such user */
  'unknown_user',
  /** the Profile directory could not be asked, for longer than we are willing to hold up the partition */
  'profile_unavailable',
  /** a rule of the domain refused it; the detail says which */
  'refused',
  /** something failed that asking again would not help */
  'processing_failed',
] as const;
export type PoisonReason = (typeof POISON_REASONS)[number];

/** The reason behind a permanent refusal by a use case. */
export function poisonReasonOf(code: ErrorCode): PoisonReason {
  switch (code) {
    case 'MASK_INVALID_NUMBER':
    case 'MASK_NUMBER_NOT_ALLOWED':
    case 'MASK_EQUAL_NUMBERS':
      return 'invalid_number';
    case 'MASK_UNKNOWN_POOL':
      return 'unknown_pool';
    case 'MASK_UNKNOWN_USER':
      return 'unknown_user';
    case 'MASK_INVALID_REQUEST':
      return 'invalid_data';
    case 'MASK_INTERNAL':
      return 'processing_failed';
    default:
      return 'refused';
  }
}

/** A message that can never be processed as it is. `detail` never quotes the message. */
export interface Poison {
  readonly reason: PoisonReason;
  readonly detail: string;
}
