import type { Instant } from '../../lib/clock.ts';
import { ProviderError, type ProviderErrorCode } from '../provider.ts';
import type { ProviderResponse } from '../provider-request.ts';
import { retryAfterSeconds } from '../retry-after.ts';
import type { TwilioDialect } from './twilio-dialect.ts';

/** Twilio's own codes, as far as they say more than the status. */
const CODES: ReadonlyMap<number, ProviderErrorCode> = new Map([
  // The number is not for sale, or not to us.
  [21422, 'number_not_available'],
  // The number does not exist: nobody sells it either.
  [21421, 'number_not_available'],
  // No number was found for what was asked.
  [21452, 'number_not_available'],
  [20429, 'rate_limited'],
]);

/** Reads an answer that is not the one hoped for. `name` is the provider's. */
export function toTwilioError(name: string, response: ProviderResponse, now: Instant): ProviderError {
  const { status } = response;
  const native = nativeCode(response.json);
  const code = (status >= 400 && CODES.get(native ?? 0)) || codeOfStatus(status);
  const wait = retryAfterSeconds(response.headers.get('retry-after'), now);
  const what =
    status < 300 ? `${status}, but not with what was asked` : `${status} ${native ?? ''}`.trimEnd();
  return new ProviderError(code, `${name} answered ${what}.${advice(status)}`, {
    ...(wait !== null && { retryAfterSeconds: wait }),
  });
}

function advice(status: number): string {
  if (status === 401) return ' Check the account, and the token or key for its REST API.';
  if (status === 403) return ' Check the balance and the permissions of the account.';
  return '';
}

/** Whether the resource asked for is not there. A 404 of a proxy on the way does not say so. */
export function isNotFound(response: ProviderResponse, dialect: TwilioDialect): boolean {
  if (response.status !== 404) return false;
  if (dialect.notFoundCode !== null) return nativeCode(response.json) === dialect.notFoundCode;
  return typeof response.json === 'object' && response.json !== null;
}

function codeOfStatus(status: number): ProviderErrorCode {
  if (status === 429) return 'rate_limited';
  // 408: the provider gave up waiting. 2xx and 3xx come here when the body was not what it should be.
  if (status === 408 || status >= 500 || status < 400) return 'unavailable';
  return 'refused';
}

/** Only the code is passed on: the message beside it quotes the number. */
function nativeCode(json: unknown): number | null {
  if (typeof json !== 'object' || json === null || !('code' in json)) return null;
  const code = typeof json.code === 'string' ? Number(json.code) : json.code;
  return typeof code === 'number' && Number.isInteger(code) && code >= 10_000 && code <= 99_999 ? code : null;
}
