import type { Socket } from 'node:net';
import { createProblem, PROBLEM_CONTENT_TYPE } from './problem.ts';

/** Statuses that only a request without a route can have; their code is the general one. */
const STATUS_LINES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};
const MALFORMED = '400 Bad Request';

/** Answers bytes that are no HTTP request, or that came too slowly or in too great number, and hangs up. */
export function refuseBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  // Nobody is there to read an answer.
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const statusLine = STATUS_LINES[error.code ?? ''] ?? MALFORMED;
  const problem = {
    ...createProblem(
      'MASK_INVALID_REQUEST',
      'Send a complete HTTP/1.1 request, in time and within the limits.',
    ),
    status: Number.parseInt(statusLine, 10),
  };
  const body = JSON.stringify(problem);
  socket.end(
    [
      `HTTP/1.1 ${statusLine}`,
      `Content-Type: ${PROBLEM_CONTENT_TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Cache-Control: no-store',
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
