import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { App } from '../app/app.ts';
import type { ApiKeyCache } from './api-key-cache.ts';
import { authenticate } from './authenticate.ts';
import { runOnce, type StoredAnswer } from './idempotency.ts';
import { isDependencyFailure, toProblem } from './map-error.ts';
import { describeRoute } from './openapi.ts';
import type { Operation } from './operation.ts';
import { logFailure, sendProblemText } from './send-problem.ts';

export interface MountOptions {
  readonly app: App;
  readonly keys: ApiKeyCache;
  readonly idempotencyMs: number;
}

/** Makes routes of operations. Nothing else in the service registers a route under `/v1`. */
export function mountOperations(
  http: FastifyInstance,
  operations: readonly Operation[],
  options: MountOptions,
): void {
  http.decorateRequest('apiKey', null);
  for (const operation of operations) {
    http.route({
      ...describeRoute(operation),
      onRequest: (request) => authenticate(request, options.keys, operation.scope),
      handler: (request, reply) => answer(operation, options, request, reply),
    });
  }
}

async function answer(
  operation: Operation,
  options: MountOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { app } = options;
  const apiKey = request.apiKey;
  if (apiKey === null) throw new Error('An operation ran without authentication.');
  const run = () => runOperation(operation, app, apiKey.tenant, request, reply);
  const key = request.headers['idempotency-key'];
  if (operation.repeatable === 'by_nature' || typeof key !== 'string') {
    return sendAnswer(operation, reply, await run());
  }
  const repeatable = {
    tenant: apiKey.tenant,
    apiKeyId: apiKey.id,
    key,
    method: request.method,
    path: request.url,
    bodyText: request.bodyText,
  };
  const answered = await runOnce(app, repeatable, options.idempotencyMs, run);
  if (answered.replayed) reply.header('idempotency-replayed', 'true');
  return sendAnswer(operation, reply, answered);
}

/** Runs, and turns what an operation may throw into its answer; a failed dependency is thrown on. */
async function runOperation(
  operation: Operation,
  app: App,
  tenant: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<StoredAnswer> {
  try {
    const { params, query, body } = request;
    const { status, body: answered } = await operation.run({ app, tenant, params, query, body });
    // By the schema of this status: a field that is not documented cannot leave the house.
    return { status, text: String(reply.code(status).serialize(answered)) };
  } catch (error) {
    if (isDependencyFailure(error)) throw error;
    const problem = toProblem(error);
    logFailure(app.log, request, problem, error);
    return { status: problem.status, text: JSON.stringify(problem) };
  }
}

function sendAnswer(operation: Operation, reply: FastifyReply, answer: StoredAnswer): FastifyReply {
  if (answer.status >= 400) {
    return sendProblemText(reply, answer.status, answer.text);
  }
  if (operation.location) reply.header('location', operation.location(JSON.parse(answer.text)));
  return reply
    .code(answer.status)
    .header('content-type', 'application/json; charset=utf-8')
    .send(answer.text);
}
