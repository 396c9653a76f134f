import type { Instant } from '../lib/clock.ts';

/** Whoever asks for more than a day is answered with a day: the next attempt then asks again. */
const SECONDS_MAXIMUM = 86_400;

/** Reads a `Retry-After` header (RFC 9110, section 10.2.3: seconds or a date); null when it says nothing. */
export function retryAfterSeconds(header: string | null, now: Instant): number | null {
  const text = header?.trim() ?? '';
  if (/^[0-9]{1,9}$/.test(text)) return Math.min(SECONDS_MAXIMUM, Number(text));
  // Only dates of RFC 9110 name a weekday; Date.parse alone would read "-5" or "2" as a year or a month.
  const at = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) return null;
  return Math.min(SECONDS_MAXIMUM, Math.max(0, Math.ceil((at - now) / 1000)));
}
