import type { Instant } from '../../lib/clock.ts';

/** RFC 3339 in UTC with milliseconds. */
export function toTimestamp(instant: Instant): string {
  return new Date(instant).toISOString();
}

export function toNullableTimestamp(instant: Instant | null): string | null {
  return instant === null ? null : toTimestamp(instant);
}
