import type { FastifyInstance } from 'fastify';
import type { ProblemView } from './api-types.ts';

const PROBLEMS = {
  DELIVERY_INVALID_REQUEST: {
    status: 400,
    title: 'The request is malformed or breaks a rule of its schema.',
  },
  DELIVERY_UNAUTHENTICATED: { status: 401, title: 'The bearer token is missing or wrong.' },
  DELIVERY_CROSS_SITE: { status: 403, title: 'Another web site may not change anything here.' },
  DELIVERY_NOT_FOUND: { status: 404, title: 'There is nothing here by that name.' },
  DELIVERY_ORDER_ENDED: { status: 409, title: 'The order was completed or cancelled before.' },
  DELIVERY_ROLE_CONFLICT: { status: 409, title: 'This user exists with another role.' },
  DELIVERY_CALL_ENDED: { status: 409, title: 'The call is not in a state that allows this.' },
  DELIVERY_BODY_TOO_LARGE: { status: 413, title: 'The body is larger than this endpoint accepts.' },
  DELIVERY_UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The body must be application/json.' },
  DELIVERY_INVALID_NUMBER: { status: 422, title: 'A phone number is not a valid E.164 number.' },
  DELIVERY_UNKNOWN_USER: { status: 422, title: 'There is no such user in the Profile store.' },
  DELIVERY_WRONG_ROLE: { status: 422, title: 'This user has another role than the order needs.' },
  DELIVERY_INTERNAL: {
    status: 500,
    title: 'The delivery company failed. It is our fault, and it is logged.',
  },
  DELIVERY_MASKLINE_UNAVAILABLE: { status: 503, title: 'Maskline does not answer.' },
  DELIVERY_PHONE_NETWORK_UNAVAILABLE: { status: 503, title: 'The phone network does not answer.' },
  DELIVERY_TOO_MANY_STREAMS: { status: 503, title: 'Too many pages are listening.' },
} as const;
export type ProblemCode = keyof typeof PROBLEMS;

/** An expected failure, told to the caller. `detail` says what to do and never holds a real number. */
export class DeliveryError extends Error {
  readonly code: ProblemCode;

  constructor(code: ProblemCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = 'DeliveryError';
    this.code = code;
  }
}

export function toProblem(code: ProblemCode, detail: string): ProblemView {
  const { status, title } = PROBLEMS[code];
  return { type: 'about:blank', title, status, code, detail };
}

/** Turns everything that a handler can throw into problem details (RFC 9457). */
export function registerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: Error & { statusCode?: number; code?: string }, request, reply) => {
    const expected = error instanceof DeliveryError ? error : fromFastify(error);
    if (expected.code === 'DELIVERY_INTERNAL')
      request.log.error({ err: error, route: request.routeOptions.url }, 'request failed');
    const problem = toProblem(expected.code, expected.message);
    return reply.code(problem.status).type('application/problem+json').send(problem);
  });
}

/** Fastify's own refusals: their sentences name fields and limits, never values. */
function fromFastify(error: Error & { statusCode?: number; code?: string }): DeliveryError {
  switch (error.statusCode) {
    case 400:
      return new DeliveryError('DELIVERY_INVALID_REQUEST', error.message);
    case 413:
      return new DeliveryError('DELIVERY_BODY_TOO_LARGE', 'Send at most 16 KiB.');
    case 415:
      return new DeliveryError('DELIVERY_UNSUPPORTED_MEDIA_TYPE', 'Send Content-Type: application/json.');
    case 404:
      return new DeliveryError('DELIVERY_NOT_FOUND', 'Check the address.');
    default:
      return new DeliveryError('DELIVERY_INTERNAL', 'Try again; if it stays, look into the log.');
  }
}
