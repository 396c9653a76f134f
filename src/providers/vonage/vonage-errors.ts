import type { Instant } from '../../lib/clock.ts';
import { ProviderError, type ProviderErrorCode } from '../provider.ts';
import type { ProviderResponse } from '../provider-request.ts';
import { retryAfterSeconds } from '../retry-after.ts';

/**
 * Reads an answer that is not the one hoped for. Vonage's own texts may quote what was sent, numbers included, so
 * nothing of them is passed on.
 */
export function toVonageError(response: ProviderResponse, now: Instant, doing: string): ProviderError {
  const status = statusOf(response);
  const wait = retryAfterSeconds(response.headers.get('retry-after'), now);
  const what = status < 300 ? `${status}, but not with what was asked` : String(status);
  return new ProviderError(codeOfStatus(status), `Vonage answered ${what} to ${doing}.${advice(status)}`, {
    ...(wait !== null && { retryAfterSeconds: wait }),
  });
}

/** `method failed` is all that the Numbers API says of a number that it cannot sell, or that is not held. */
export function isMethodFailed(response: ProviderResponse): boolean {
  return statusOf(response) === 420 && /^method failed$/i.test(labelOf(response.json));
}

/** The Numbers API repeats the status in the body, and sometimes there alone. */
export function statusOf({ status, json }: ProviderResponse): number {
  if (status !== 200 || typeof json !== 'object' || json === null || !('error-code' in json)) return status;
  const code = String(json['error-code']);
  return /^[2-5][0-9]{2}$/.test(code) ? Number(code) : 502;
}

function labelOf(json: unknown): string {
  if (typeof json !== 'object' || json === null || !('error-code-label' in json)) return '';
  return String(json['error-code-label']);
}

function codeOfStatus(status: number): ProviderErrorCode {
  if (status === 429) return 'rate_limited';
  // 2xx and 3xx come here when the body was not what it should be.
  if (status === 408 || status >= 500 || status < 400) return 'unavailable';
  return 'refused';
}

function advice(status: number): string {
  if (status === 401) return ' Check the API key and the API secret.';
  if (status === 402) return ' Check the balance of the account.';
  if (status === 420) return ' The number may need an address or a registration: see the dashboard.';
  return '';
}
