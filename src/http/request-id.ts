import type { Clock } from '../lib/clock.ts';
import { createId } from '../lib/id.ts';
import type { Random } from '../lib/random.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TRACE_ID = /^[0-9a-f]{32}$/i;
const PLAIN = /^[A-Za-z0-9_-]{1,64}$/;
const NUMBER_LIKE = /[0-9]{7}/;

/**
 * The id that ties the log lines of one request together. The caller's own (`X-Request-Id`) is kept when it is
 * short, plain, and cannot be a phone number: it goes into the log and back to the caller.
 */
export function requestIdOf(header: string | string[] | undefined, clock: Clock, random: Random): string {
  if (typeof header === 'string' && isSane(header)) return header;
  return createId('req', clock, random);
}

function isSane(text: string): boolean {
  // Random ones have a letter among their digits; one in three million has none, and is replaced.
  if (UUID.test(text) || TRACE_ID.test(text)) return /[a-f]/i.test(text);
  return PLAIN.test(text) && !NUMBER_LIKE.test(text);
}
