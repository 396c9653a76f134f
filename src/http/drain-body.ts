import type { IncomingMessage } from 'node:http';

/** More than that is not read for courtesy. */
const BYTES_MAXIMUM = 16 * 1024 * 1024;

/**
 * Reads the rest of a body away before its sender is refused. A connection that closes while its peer still
 * sends is reset, and a reset takes the answer with it: the client would see a broken pipe and not the reason.
 * The request timeout of the server bounds how long this takes.
 */
export function drainBody(raw: IncomingMessage): Promise<void> {
  const { 'content-length': length, 'transfer-encoding': encoding } = raw.headers;
  const hasBody = encoding !== undefined || (length !== undefined && length !== '0');
  if (!hasBody || raw.complete || raw.readableEnded || raw.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let read = 0;
    const count = (chunk: Uint8Array): void => {
      read += chunk.length;
      if (read > BYTES_MAXIMUM) done();
    };
    function done(): void {
      raw.off('data', count).off('end', done).off('close', done).off('error', done);
      resolve();
    }
    raw.on('data', count).on('end', done).on('close', done).on('error', done);
    raw.resume();
  });
}
