import type { Instant } from '../../src/lib/clock.ts';

/** UTC with milliseconds. */
export function rfc3339<T extends Instant | null>(at: T): T extends null ? null : string;
export function rfc3339(at: Instant | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
