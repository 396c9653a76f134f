import querystring from 'node:querystring';
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import type { App } from '../app/app.ts';
import { OPERATIONS } from './api/operations.ts';
import type { ApiKeyRow } from '../storage/storage.ts';
import { ApiKeyCache } from './api-key-cache.ts';
import { API_RATE_DEFAULT, type ApiRate, ApiRateLimit } from './api-rate-limit.ts';
import { refuseBrokenRequest } from './broken-request.ts';
import { serveDocsPage } from './docs-page.ts';
import { drainBody } from './drain-body.ts';
import { acceptJsonOnly } from './json-body.ts';
import { notFound, toProblem } from './map-error.ts';
import { mountOperations } from './mount-operations.ts';
import { observeRequests } from './observe-requests.ts';
import { collectOpenApi } from './openapi.ts';
import { mountProbes, type ReadyReport } from './probes.ts';
import { requestIdOf } from './request-id.ts';
import { responseHeaders, setResponseHeaders } from './response-headers.ts';
import { logFailure, sendProblem } from './send-problem.ts';
import { compileValidator } from './validation.ts';
import { mountWebhooks } from './webhooks/mount-webhooks.ts';
import { WebhookHandler } from './webhooks/webhook-handler.ts';

export interface HttpServerOptions {
  readonly roles: { readonly api: boolean; readonly webhooks: boolean };
  /** scheme, host and port under which providers reach this server, without a slash at the end */
  readonly publicUrl: string;
  /** addresses or CIDR blocks of the proxies whose `X-Forwarded-For` counts; of nobody else's */
  readonly trustedProxies: readonly string[];
  readonly version: string;
  readonly ready: () => Promise<ReadyReport>;
  /** whether requests that lie unread while the processor is busy count as waiting; not with a clock moved by hand */
  readonly watchesLoop?: boolean;
  /** how long the answer of a mutation is kept under its `Idempotency-Key` */
  readonly idempotencyHours?: number;
  readonly limits?: Partial<HttpLimits>;
  /** what one API key may ask of this process */
  readonly apiRate?: ApiRate;
}

export interface HttpLimits {
  readonly bodyBytes: number;
  /** all header lines of a request together */
  readonly headerBytes: number;
  readonly headersTimeoutMs: number;
  /** from the first byte of a request to the last of its body */
  readonly requestTimeoutMs: number;
  /** how often connections are checked for being too slow */
  readonly timeoutCheckMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly queryParameters: number;
  /** at a time; who comes beyond is hung up on at once */
  readonly connections: number;
}

export const HTTP_LIMITS: HttpLimits = {
  bodyBytes: 64 * 1024,
  headerBytes: 16 * 1024,
  headersTimeoutMs: 5_000,
  // Two seconds more than the headers may take: the body of a webhook is small.
  requestTimeoutMs: 7_000,
  timeoutCheckMs: 1_000,
  // Longer than the minute after which common load balancers give an idle connection up, so that it is they
  // who close it and no request meets a closing socket.
  keepAliveTimeoutMs: 65_000,
  queryParameters: 100,
  // Each takes about 20 kB, and one file of the system's allowance, of which other parts need some as well.
  connections: 8_000,
};

const IDEMPOTENCY_HOURS = 72;
const HOUR_MS = 3_600_000;

/**
 * The whole HTTP side: public API, provider webhooks, probes, API document. It does not listen yet. Requests
 * are answered with problems (RFC 9457) whatever goes wrong, the framework's own refusals included.
 */
export function createHttpServer(app: App, options: HttpServerOptions): FastifyInstance {
  const http = createFastify(app, options);
  http.setValidatorCompiler(compileValidator);
  http.setSchemaErrorFormatter(() => new Error('The request breaks its schema.'));
  http.server.maxConnections = options.limits?.connections ?? HTTP_LIMITS.connections;
  answerErrors(http, app);
  observeRequests(http, app);
  setResponseHeaders(http);
  mountProbes(http, { registry: app.metrics.registry, ready: options.ready });
  if (options.roles.api) http.register((scope) => mountApi(scope, app, options));
  if (options.roles.webhooks) {
    const bodyBytes = options.limits?.bodyBytes ?? HTTP_LIMITS.bodyBytes;
    mountWebhooks(http, new WebhookHandler(app, { ...options, bodyBytes }));
  }
  return http;
}

function createFastify(app: App, options: HttpServerOptions): FastifyInstance {
  const limits = { ...HTTP_LIMITS, ...options.limits };
  return fastify({
    logger: false,
    genReqId: (raw) => requestIdOf(raw.headers['x-request-id'], app.clock, app.random),
    trustProxy: options.trustedProxies.length === 0 ? false : [...options.trustedProxies],
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    http: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: limits.timeoutCheckMs,
    },
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    routerOptions: {
      // With a prototype of null, and bounded: what is beyond the bound is not read.
      querystringParser: (text) =>
        querystring.parse(text, '&', '=', { maxKeys: limits.queryParameters }) as Record<string, unknown>,
    },
    clientErrorHandler: refuseBrokenRequest,
    // Requests that no route and no hook ever sees, such as a path that cannot be decoded.
    frameworkErrors: (error, request, reply) => {
      reply.headers(responseHeaders(request.id));
      void sendProblem(reply, toProblem(error));
    },
  });
}

function answerErrors(http: FastifyInstance, app: App): void {
  http.setErrorHandler(async (error: FastifyError, request, reply) => {
    const problem = toProblem(error);
    logFailure(app.log, request, problem, error);
    await drainBody(request.raw);
    return sendProblem(reply, problem);
  });
  http.setNotFoundHandler(async (request, reply) => {
    await drainBody(request.raw);
    return sendProblem(reply, notFound());
  });
}

async function mountApi(http: FastifyInstance, app: App, options: HttpServerOptions): Promise<void> {
  acceptJsonOnly(http);
  await collectOpenApi(http, options.version);
  // Again: a scope that gets shared schemas goes back to Ajv, and so to its conversions, unless it is told.
  http.setValidatorCompiler(compileValidator);
  mountOperations(http, OPERATIONS, {
    app,
    keys: new ApiKeyCache(
      (hash) => app.storage.system.apiKeyByHash(hash),
      app.clock,
      (row) => noteUse(app, row),
    ),
    rateLimit: new ApiRateLimit(options.apiRate ?? API_RATE_DEFAULT, app.clock),
    idempotencyMs: (options.idempotencyHours ?? IDEMPOTENCY_HOURS) * HOUR_MS,
  });
  http.get('/openapi.json', { schema: { hide: true } }, async () => http.swagger());
  await serveDocsPage(http);
}

/** For whoever wonders which keys are still needed. A failure costs that note, and no request. */
function noteUse(app: App, { tenant, id }: ApiKeyRow): void {
  app.storage
    .run(tenant, ({ apiKeys }) => apiKeys.used(id, app.clock.now()))
    .catch((error: unknown) => app.log.debug({ error }, 'The use of an API key could not be noted.'));
}
