import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../observe/log.ts';
import { CHALLENGES } from './authenticate.ts';
import { PROBLEM_CONTENT_TYPE, type Problem } from './problem.ts';

/** Seconds. A dependency that failed, or a twin that runs, is worth asking again after that. */
const RETRY_AFTER_SECONDS = '1';

/** Answers with a problem, and with the headers that belong to its code. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  setProblemHeaders(reply, problem);
  return sendProblemText(reply, problem.status, JSON.stringify(problem));
}

export function sendProblemText(reply: FastifyReply, status: number, text: string): FastifyReply {
  // As bytes, because Fastify would add a `charset` to JSON text, which the media type does not have.
  return reply.code(status).header('content-type', PROBLEM_CONTENT_TYPE).send(Buffer.from(text));
}

function setProblemHeaders(reply: FastifyReply, problem: Problem): void {
  // Fastify would hang up after a body that it refused, because more of it may come. It was read away instead.
  reply.removeHeader('connection');
  switch (problem.code) {
    case 'MASK_UNAUTHENTICATED':
      reply.header('www-authenticate', CHALLENGES);
      break;
    case 'MASK_DEPENDENCY_UNAVAILABLE':
    case 'MASK_IDEMPOTENCY_IN_PROGRESS':
    case 'MASK_RATE_LIMITED':
      // Who refused may have said it better.
      if (!reply.hasHeader('retry-after')) reply.header('retry-after', RETRY_AFTER_SECONDS);
      break;
    default:
  }
}

/** ERROR only for what we did wrong; what the caller did wrong is the request log's business. */
export function logFailure(log: Log, request: FastifyRequest, problem: Problem, error: unknown): void {
  const fields = {
    requestId: request.id,
    route: request.routeOptions.url ?? null,
    code: problem.code,
    error,
  };
  if (problem.code === 'MASK_INTERNAL') log.error(fields, 'A request failed.');
  else if (problem.code === 'MASK_DEPENDENCY_UNAVAILABLE') log.warn(fields, 'A dependency did not answer.');
}
