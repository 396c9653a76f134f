import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import type { App } from '../../app/app.ts';
import { createHttpServer, type HttpServerOptions } from '../server.ts';

export const PUBLIC_URL = 'https://maskline.example';

export interface TestServer {
  readonly http: FastifyInstance;
  /** Asks with an API key, JSON in and JSON out. */
  ask(
    key: string | null,
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    url: string,
    payload?: unknown,
    headers?: Record<string, string>,
  ): Promise<LightMyRequestResponse>;
}

/** The whole HTTP side on any App. A test that makes it listen closes it. */
export function createTestServer(app: App, options: Partial<HttpServerOptions> = {}): TestServer {
  const http = createHttpServer(app, {
    roles: { api: true, webhooks: true },
    publicUrl: PUBLIC_URL,
    trustedProxies: [],
    // The clock of most tests stands still, and so would the bucket of their key.
    apiRate: { unitsPerSecond: 1e9, burst: 1e9 },
    version: '0.0.0-test',
    ready: async () => ({ ready: true, checks: {} }),
    ...options,
  });
  return {
    http,
    ask(key, method, url, payload, headers = {}) {
      const request: InjectOptions = {
        method,
        url,
        headers: key === null ? headers : { authorization: `Bearer ${key}`, ...headers },
      };
      if (payload !== undefined) {
        request.payload = JSON.stringify(payload);
        request.headers = { 'content-type': 'application/json', ...request.headers };
      }
      return http.inject(request);
    },
  };
}
