import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { App } from '../app/app.ts';
import { type AuditedAct, recordAudit } from '../app/audit.ts';
import { auditedApp } from '../app/audited-app.ts';
import { MasklineError } from '../domain/errors.ts';
import type { ApiKeyRow } from '../storage/storage.ts';
import type { ApiKeyCache } from './api-key-cache.ts';
import type { ApiRateLimit } from './api-rate-limit.ts';
import { authenticate } from './authenticate.ts';
import { runOnce, type StoredAnswer } from './idempotency.ts';
import { isDependencyFailure, toProblem } from './map-error.ts';
import { describeRoute } from './openapi.ts';
import type { Operation } from './operation.ts';
import { costOf } from './operation-cost.ts';
import { logFailure, sendProblemText } from './send-problem.ts';

export interface MountOptions {
  readonly app: App;
  readonly keys: ApiKeyCache;
  readonly rateLimit: ApiRateLimit;
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
      onRequest: async (request, reply) => {
        await authenticate(request, options.keys, operation.scope);
        charge(operation, options.rateLimit, request, reply);
      },
      handler: (request, reply) => answer(operation, options, request, reply),
    });
  }
}

/** @throws MasklineError MASK_RATE_LIMITED */
function charge(
  operation: Operation,
  rateLimit: ApiRateLimit,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const refused = request.apiKey && rateLimit.take(request.apiKey.id, costOf(operation));
  if (!refused) return;
  reply.header('retry-after', String(refused.retryAfterSeconds));
  throw new MasklineError(
    'MASK_RATE_LIMITED',
    'This API key asks for more than its share. Ask again after the seconds of `Retry-After`.',
  );
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
  const run = () => runOperation(operation, app, apiKey, request, reply);
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
  apiKey: ApiKeyRow,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<StoredAnswer> {
  try {
    const { params, query, body } = request;
    const { tenant } = apiKey;
    const actor = `key:${apiKey.id}`;
    const asked = { actor, params, body };
    const { audited } = operation;
    const inside = audited ? await auditedApp(app, tenant, (made) => actOf(audited, asked, made)) : null;
    const waitedMs = Math.round(reply.elapsedTime);
    const context = { ...asked, app: inside?.app ?? app, tenant, query, waitedMs };
    const { status, body: answered } = await operation.run(context);
    // What repeats an earlier change has none of its own; it was asked for all the same.
    if (audited && !inside?.noted()) await recordAudit(app, tenant, actOf(audited, asked, answered));
    // By the schema of this status: a field that is not documented cannot leave the house.
    return { status, text: String(reply.code(status).serialize(answered)) };
  } catch (error) {
    if (isDependencyFailure(error)) throw error;
    const problem = toProblem(error);
    logFailure(app.log, request, problem, error);
    return { status: problem.status, text: JSON.stringify(problem) };
  }
}

/** By the names of the fields that were given, and not what stood in them: some are real numbers. */
function actOf(
  action: string,
  { actor, params, body }: { readonly actor: string; readonly params: unknown; readonly body: unknown },
  changed: unknown,
): AuditedAct {
  const [named] = Object.values(params as Record<string, string>);
  const nameIn = (made: unknown): string | undefined => {
    const { id, name, virtualNumber } = Object(made) as Record<string, string | undefined>;
    return id ?? name ?? virtualNumber;
  };
  const subject = named ?? nameIn(changed) ?? nameIn(body) ?? '';
  return { actor, action, subject, details: { fields: Object.keys(Object(body)).sort() } };
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
