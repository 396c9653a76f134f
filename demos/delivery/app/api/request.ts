import type { ProblemView } from '../../server/api-types.ts';

/** A refusal of the delivery company's API, or its silence. */
export class ApiError extends Error {
  /** stable code of the problem; `UNREACHABLE` when there was no answer at all */
  readonly code: string;
  readonly status: number;

  constructor(code: string, status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.status = status;
  }

  /** Whether the same request may succeed a little later. */
  get isPassing(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

/** A path with its values encoded: path`/api/orders/${orderId}`. */
export const path = (strings: TemplateStringsArray, ...values: string[]): string =>
  strings.reduce((text, part, i) => text + encodeURIComponent(values[i - 1] ?? '') + part);

/** One request to the API of the delivery company. @throws ApiError */
export async function request<T>(method: 'GET' | 'POST', address: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(address, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError('UNREACHABLE', 0, 'The delivery company does not answer.');
  }
  if (response.status === 204) return undefined as T;
  const json: unknown = await response.json().catch(() => null);
  if (response.ok && json !== null) return json as T;
  const problem = json as Partial<ProblemView> | null;
  throw new ApiError(
    problem?.code ?? 'UNREADABLE',
    response.status,
    [problem?.title, problem?.detail].filter(Boolean).join(' ') || 'The answer could not be read.',
  );
}
