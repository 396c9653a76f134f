import type { Instant } from '../../lib/clock.ts';
import { ProviderError, type ProviderErrorCode } from '../provider.ts';
import type { ProviderResponse } from '../provider-request.ts';
import { retryAfterSeconds } from '../retry-after.ts';

/**
 * Reads an answer that is not the one hoped for. Plivo's own error texts may quote what was sent, numbers
 * included, so nothing of them is passed on: the status is all there is.
 */
export function toPlivoError(response: ProviderResponse, now: Instant, doing: string): ProviderError {
  const { status } = response;
  const wait = retryAfterSeconds(response.headers.get('retry-after'), now);
  const what = status < 300 ? `${status}, but not with what was asked` : String(status);
  return new ProviderError(codeOfStatus(status), `Plivo answered ${what} to ${doing}.${advice(status)}`, {
    ...(wait !== null && { retryAfterSeconds: wait }),
  });
}

/** A purchase that is refused because the number is not there (any more), and not for what we are. */
export function isNotOnSale(response: ProviderResponse): boolean {
  if (response.status === 404) return isPlivoError(response);
  return (
    response.status === 400 && /not (available|found)|already|unavailable/i.test(errorText(response.json))
  );
}

/** Whether a number that was to be given back is not held any more. A 404 of a stranger does not say so. */
export function isAlreadyGone(response: ProviderResponse): boolean {
  return response.status === 404 && isPlivoError(response);
}

/** Every answer of Plivo's API, errors included, names its `api_id`. */
function isPlivoError(response: ProviderResponse): boolean {
  const { json } = response;
  return typeof json === 'object' && json !== null && 'api_id' in json && 'error' in json;
}

function errorText(json: unknown): string {
  if (typeof json !== 'object' || json === null || !('error' in json)) return '';
  return typeof json.error === 'string' ? json.error : JSON.stringify(json.error ?? '');
}

function codeOfStatus(status: number): ProviderErrorCode {
  if (status === 429) return 'rate_limited';
  // 2xx and 3xx come here when the body was not what it should be.
  if (status === 408 || status >= 500 || status < 400) return 'unavailable';
  return 'refused';
}

function advice(status: number): string {
  if (status === 401) return ' Check the auth id and the auth token.';
  if (status === 402 || status === 403) return ' Check the balance and the permissions of the account.';
  return '';
}
