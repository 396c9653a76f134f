export interface ApiAnswer<T> {
  readonly status: number;
  readonly contentType: string;
  readonly body: T;
}

/** One request to the delivery company, as a page or a script would send it. */
export async function callApi<T = unknown>(
  url: string,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<ApiAnswer<T>> {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const contentType = response.headers.get('content-type') ?? '';
  const isJson = contentType.includes('json');
  return { status: response.status, contentType, body: (isJson ? JSON.parse(text) : text) as T };
}
