import type { Instant } from '../../lib/clock.ts';
import { RequestError } from '../problem.ts';

/** RFC 3339 in UTC with milliseconds. */
export function toTimestamp(instant: Instant): string {
  return new Date(instant).toISOString();
}

export function toNullableTimestamp(instant: Instant | null): string | null {
  return instant === null ? null : toTimestamp(instant);
}

const RFC3339 =
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$/;

/** @param path of the field, as errors name it @throws RequestError */
export function readTimestamp(text: string, path: string): Instant {
  const instant = RFC3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(instant)) {
    throw new RequestError(
      'MASK_INVALID_REQUEST',
      'Give an instant as RFC 3339 says: 2026-03-01T12:00:00Z.',
      [{ path, message: 'is no instant' }],
    );
  }
  return instant;
}
