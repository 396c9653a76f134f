import type { Clock } from '../lib/clock.ts';
import { ProviderError } from './provider.ts';

/** Beyond this an answer is cut off: a thousand numbers with their URLs need about a third of it. */
export const ANSWER_BYTES_MAXIMUM = 1024 * 1024;
const TIMEOUT_MS_DEFAULT = 10_000;

export interface ProviderRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** default 10,000 ms, from the first byte sent to the last one read */
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
}

export interface ProviderResponse {
  readonly status: number;
  readonly headers: Headers;
  /** the body as JSON; undefined when it is not JSON, whatever its content type says */
  readonly json: unknown;
}

/**
 * One request to a provider's REST API, without retry and without following redirects, so that credentials go
 * nowhere else. Every answer is returned, whatever its status.
 * @throws ProviderError `unavailable` when there is no whole answer: what was asked may have happened
 */
export async function requestProvider(request: ProviderRequest, clock: Clock): Promise<ProviderResponse> {
  const cut = new AbortController();
  const abort = (): void => cut.abort();
  const timer = clock.after(request.timeoutMs ?? TIMEOUT_MS_DEFAULT, abort);
  request.signal.addEventListener('abort', abort, { once: true });
  if (request.signal.aborted) abort();
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: { accept: 'application/json', ...request.headers },
      ...(request.body !== undefined && { body: request.body }),
      redirect: 'error',
      signal: cut.signal,
    });
    return { status: response.status, headers: response.headers, json: toJson(await readBody(response)) };
  } catch (cause) {
    const why = cut.signal.aborted ? 'did not answer in time' : 'could not be reached or broke off';
    throw new ProviderError('unavailable', `The provider ${why}.`, { cause });
  } finally {
    timer.cancel();
    request.signal.removeEventListener('abort', abort);
  }
}

async function readBody(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAXIMUM) {
      throw new Error(`The answer is longer than ${ANSWER_BYTES_MAXIMUM} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function toJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}
