import type { IncomingMessage } from 'node:http';

const EMPTY = new Uint8Array();

export type BodyOutcome =
  | { readonly kind: 'read'; readonly body: Uint8Array }
  /** more than the limit was announced or came */
  | { readonly kind: 'too_large' }
  /** the sender hung up before it had sent everything: nobody is there to be answered */
  | { readonly kind: 'gone' };

/**
 * Reads a body of at most `bytesMaximum` bytes, and calls `done` once. Of what is too large
 * nothing is kept. How long a body may take is the server's `requestTimeout`.
 */
export function readBody(
  raw: IncomingMessage,
  bytesMaximum: number,
  done: (outcome: BodyOutcome) => void,
): void {
  // Nobody is told any more of what was over before.
  if (raw.destroyed) {
    done({ kind: 'gone' });
    return;
  }
  const length = raw.headers['content-length'];
  if (length === undefined && raw.headers['transfer-encoding'] === undefined) {
    // Nothing comes, but the stream has to be read to its end before the connection can take the next request.
    raw.resume();
    done({ kind: 'read', body: EMPTY });
    return;
  }
  if (length !== undefined && Number(length) > bytesMaximum) {
    done({ kind: 'too_large' });
    return;
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let finished = false;
  const finish = (outcome: BodyOutcome): void => {
    if (finished) return;
    finished = true;
    done(outcome);
  };
  raw.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes <= bytesMaximum) chunks.push(chunk);
    else finish({ kind: 'too_large' });
  });
  raw.on('end', () => {
    const [first = EMPTY] = chunks;
    finish({ kind: 'read', body: chunks.length <= 1 ? first : Buffer.concat(chunks, bytes) });
  });
  raw.on('close', () => finish({ kind: 'gone' }));
}
