import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { OperatorError, type OperatorErrorCode } from '../exchange/operator-error.ts';

/** Makes every error an RFC 9457 document with a stable `code`. */
export function installProblems(app: FastifyInstance, log: (line: string) => void): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const known = toOperatorError(error);
    if (known.code === 'INTERNAL') {
      // The route, not the URL: a phone number may be in the URL.
      log(`${request.method} ${request.routeOptions.url ?? '?'}: ${error.stack ?? error.message}`);
    }
    return sendProblem(reply, known);
  });
  app.setNotFoundHandler((request: FastifyRequest, reply) =>
    sendProblem(reply, new OperatorError('NOT_FOUND', `There is no ${request.method} at this path.`)),
  );
}

export function sendProblem(reply: FastifyReply, error: OperatorError): FastifyReply {
  const { status, code, message: detail } = error;
  // 503 passes: a second is when a client may usefully come back.
  if (status === 503) reply.header('retry-after', '1');
  return reply
    .code(status)
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, code, detail }));
}

const CODE_BY_STATUS: Readonly<Record<number, OperatorErrorCode>> = {
  400: 'INVALID_REQUEST',
  404: 'NOT_FOUND',
  413: 'BODY_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
};

function toOperatorError(error: FastifyError): OperatorError {
  if (error instanceof OperatorError) return error;
  if (error.validation) {
    // Of a field that nobody knows, the first of two faults says only that `schema is false`.
    const [first] = error.validation.filter(({ keyword }) => keyword !== 'boolean');
    const where = `${error.validationContext ?? 'request'}${first?.instancePath ?? ''}`;
    const unknown = first?.keyword === 'additionalProperties' ? namesIn(first.params) : '';
    return new OperatorError('INVALID_REQUEST', `${where} ${first?.message ?? 'is not valid'}${unknown}.`);
  }
  const code = CODE_BY_STATUS[error.statusCode ?? 500];
  if (code) return new OperatorError(code, error.message);
  return new OperatorError('INTERNAL', 'The simulator failed; its log says where.', { cause: error });
}

/** Names, and nothing that could be a phone number. */
function namesIn(params: Readonly<Record<string, unknown>>): string {
  const { additionalProperties: names } = params;
  const quotable = (Array.isArray(names) ? names.map(String) : []).filter((name) =>
    /^[A-Za-z_]{1,40}$/.test(name),
  );
  return quotable.length === 0 ? '' : `: ${quotable.join(', ')} is not known`;
}
