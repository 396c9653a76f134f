import type { Instant } from '../../lib/clock.ts';

/** An instant as a statement parameter. */
export function at(instant: Instant): Date {
  return new Date(instant);
}

export function atOrNull(instant: Instant | null): Date | null {
  return instant === null ? null : new Date(instant);
}
