import type { FastifyInstance } from 'fastify';
import type { App } from '../app/app.ts';

/** Asked every few seconds by machines; not worth a line each. */
const QUIET_ROUTES: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);
const NO_ROUTE = '(none)';

/**
 * One log line and one measurement for each request, by the template of its route. The URL itself stays out:
 * providers put phone numbers into queries, and webhook paths hold a secret.
 */
export function observeRequests(http: FastifyInstance, app: Pick<App, 'log' | 'metrics'>): void {
  http.addHook('onResponse', async (request, reply) => {
    if (request.routeOptions.config.observesItself) return;
    const route = request.is404 ? NO_ROUTE : (request.routeOptions.url ?? NO_ROUTE);
    const method = request.is404 ? NO_ROUTE : request.method;
    const status = reply.statusCode;
    const seconds = reply.elapsedTime / 1_000;
    app.metrics.httpSeconds.observe({ method, route, status }, seconds);
    const fields = { requestId: request.id, method, route, status, ms: Math.round(reply.elapsedTime) };
    if (QUIET_ROUTES.has(route)) app.log.debug(fields, 'A request was answered.');
    else app.log.info(fields, 'A request was answered.');
  });
}
