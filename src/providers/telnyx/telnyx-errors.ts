import type { Instant } from '../../lib/clock.ts';
import { ProviderError, type ProviderErrorCode } from '../provider.ts';
import type { ProviderResponse } from '../provider-request.ts';
import { retryAfterSeconds } from '../retry-after.ts';

/** "Blocked due to STOP message", with status 409. */
const OPTED_OUT = '40300';

/**
 * Reads an answer that is not the one hoped for. Telnyx's own texts quote what was sent, numbers included, so
 * only its numeric code is passed on.
 */
export function toTelnyxError(response: ProviderResponse, now: Instant, doing: string): ProviderError {
  const { status } = response;
  const wait = retryAfterSeconds(response.headers.get('retry-after'), now);
  const [first] = errorsOf(response.json);
  const code = /^[0-9]{5}$/.test(first?.code ?? '') ? ` (${first?.code})` : '';
  const what = status < 300 ? `${status}, but not with what was asked` : `${status}${code}`;
  const meaning = first?.code === OPTED_OUT ? 'opted_out' : codeOfStatus(status);
  return new ProviderError(meaning, `Telnyx answered ${what} to ${doing}.${advice(status)}`, {
    ...(wait !== null && { retryAfterSeconds: wait }),
  });
}

/** A purchase that is refused because the number is not there (any more), and not for what we are. */
export function isNotOnSale({ status, json }: ProviderResponse): boolean {
  if (status !== 400 && status !== 404 && status !== 409 && status !== 422) return false;
  return errorsOf(json).some((each) =>
    /not available|unavailable|no longer|already|not found/i.test(`${each.title} ${each.detail}`),
  );
}

/** Whether a number that was to be given back is not held any more. A 404 of a stranger does not say so. */
export function isAlreadyGone({ status, json }: ProviderResponse): boolean {
  return status === 404 && errorsOf(json).length > 0;
}

interface NamedError {
  readonly code: string;
  readonly title: string;
  readonly detail: string;
}

/** `{ "errors": [ { "code", "title", "detail" } ] }` */
function errorsOf(json: unknown): NamedError[] {
  if (typeof json !== 'object' || json === null || !('errors' in json) || !Array.isArray(json.errors))
    return [];
  const errors: unknown[] = json.errors;
  return errors.flatMap((each) => {
    if (typeof each !== 'object' || each === null || !('code' in each)) return [];
    const text = (key: string): string => (key in each ? String((each as Record<string, unknown>)[key]) : '');
    return [{ code: text('code'), title: text('title'), detail: text('detail') }];
  });
}

function codeOfStatus(status: number): ProviderErrorCode {
  if (status === 429) return 'rate_limited';
  // 2xx and 3xx come here when the body was not what it should be.
  if (status === 408 || status >= 500 || status < 400) return 'unavailable';
  return 'refused';
}

function advice(status: number): string {
  if (status === 401) return ' Check the API key.';
  if (status === 402 || status === 403)
    return ' Check the balance and the verification level of the account.';
  return '';
}
