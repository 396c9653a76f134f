import type { Instant } from '../../lib/clock.ts';
import { ProviderError, type ProviderErrorCode } from '../provider.ts';
import type { ProviderResponse } from '../provider-request.ts';
import { retryAfterSeconds } from '../retry-after.ts';

/** Reads an answer that is not the one hoped for. The text of it is not passed on: it can quote a number. */
export function toExotelError(
  response: ProviderResponse,
  now: Instant,
  meanings: ReadonlyMap<number, ProviderErrorCode> = new Map(),
): ProviderError {
  const { status } = response;
  const code = meanings.get(status) ?? codeOfStatus(status);
  const wait = retryAfterSeconds(response.headers.get('retry-after'), now);
  const what = status < 300 ? `${status}, but not with what was asked` : String(status);
  return new ProviderError(code, `Exotel answered ${what}.${advice(status)}`, {
    ...(wait !== null && { retryAfterSeconds: wait }),
  });
}

function advice(status: number): string {
  if (status === 401) return ' Check the API key, the API token and the data centre (baseUrl).';
  if (status === 402 || status === 403) return ' Check the balance and the verification of the account.';
  return '';
}

/** Whether the resource asked for is not there. A 404 of a proxy on the way, which is no JSON, does not say so. */
export function isNotThere(response: ProviderResponse): boolean {
  return response.status === 404 && typeof response.json === 'object' && response.json !== null;
}

function codeOfStatus(status: number): ProviderErrorCode {
  if (status === 429) return 'rate_limited';
  // 408: Exotel gave up waiting. 2xx and 3xx come here when the body was not what it should be.
  if (status === 408 || status >= 500 || status < 400) return 'unavailable';
  return 'refused';
}
