import { DeliveryError, type ProblemCode } from './problem.ts';

/** Longest answer that we take from another service, in bytes. */
const ANSWER_BYTES_MAXIMUM = 2 * 1024 * 1024;

export interface OutsideRequest {
  readonly baseUrl: string;
  readonly path: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly timeoutMs: number;
  /** what to say when the service does not answer, or answers nonsense */
  readonly unavailable: ProblemCode;
}

export interface OutsideAnswer {
  readonly status: number;
  readonly json: unknown;
}

/**
 * One JSON request to another service. The address may hold a real number, so no error repeats it.
 * @throws DeliveryError with the code `unavailable` on a broken connection, a time-out, a 5xx or no JSON
 */
export async function outsideRequest(request: OutsideRequest): Promise<OutsideAnswer> {
  const { baseUrl, path, method = 'GET', body, timeoutMs, unavailable } = request;
  let status: number;
  let text: string;
  try {
    const response = await fetch(new URL(path, baseUrl), {
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...request.headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    status = response.status;
    text = await response.text();
  } catch {
    throw new DeliveryError(unavailable, 'It did not answer; it will be asked again.');
  }
  if (status >= 500) throw new DeliveryError(unavailable, `It answered ${status}; it will be asked again.`);
  if (text.length > ANSWER_BYTES_MAXIMUM) throw new DeliveryError(unavailable, 'Its answer is too long.');
  return { status, json: parseJson(text) };
}

function parseJson(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
