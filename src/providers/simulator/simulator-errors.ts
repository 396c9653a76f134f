import type { Instant } from '../../lib/clock.ts';
import { ProviderError, type ProviderErrorCode } from '../provider.ts';
import type { ProviderResponse } from '../provider-request.ts';
import { retryAfterSeconds } from '../retry-after.ts';

/** The operator's own codes, as far as they say more than the status (simulator/exchange/operator-error.ts). */
const CODES: ReadonlyMap<string, ProviderErrorCode> = new Map([
  ['NUMBER_NOT_AVAILABLE', 'number_not_available'],
  ['NUMBER_NOT_ON_SALE', 'number_not_available'],
]);

/** Reads an answer that is not the one hoped for. */
export function toSimulatorError(response: ProviderResponse, now: Instant): ProviderError {
  const { status } = response;
  const native = nativeCode(response.json);
  const code = CODES.get(native ?? '') ?? codeOfStatus(status);
  const wait = retryAfterSeconds(response.headers.get('retry-after'), now);
  const what =
    status < 300 ? `${status}, but not with what was asked` : `${status} ${native ?? ''}`.trimEnd();
  return new ProviderError(code, `The simulator answered ${what}.`, {
    ...(wait !== null && { retryAfterSeconds: wait }),
  });
}

/** Whether a number that was to be given back is not held any more. A 404 of a stranger does not say so. */
export function isAlreadyGone(response: ProviderResponse): boolean {
  return response.status === 404 && nativeCode(response.json) === 'NUMBER_NOT_HELD';
}

function codeOfStatus(status: number): ProviderErrorCode {
  if (status === 429) return 'rate_limited';
  // 408: the operator gave up waiting. 2xx and 3xx come here when the body was not what it should be.
  if (status === 408 || status >= 500 || status < 400) return 'unavailable';
  return 'refused';
}

function nativeCode(json: unknown): string | null {
  if (typeof json !== 'object' || json === null || !('code' in json)) return null;
  const { code } = json;
  // Only what looks like a code is passed on: the text of a stranger does not belong in a log.
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : null;
}
