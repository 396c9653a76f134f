import { connect, type Socket } from 'node:net';
import { isMainThread, parentPort } from 'node:worker_threads';

/** What the main thread asks of this worker: all these requests, so many at a time, each on a kept connection. */
export interface LoadOrder {
  readonly port: number;
  readonly requests: readonly Uint8Array[];
  readonly connections: number;
  /** every answer must be 200 with exactly this body */
  readonly expectedBody: string;
}

export interface LoadReport {
  readonly elapsedMs: number;
  /** milliseconds from the last byte sent to the last byte read, sorted */
  readonly latenciesMs: Float64Array;
}

const HEADERS_END = '\r\n\r\n';

/**
 * A client that costs next to nothing, so that it is the servers that are measured: requests are bytes made
 * before, and of an answer only the status, the length and the body are looked at.
 */
async function load({ port, requests, connections, expectedBody }: LoadOrder): Promise<LoadReport> {
  const latencies: number[] = [];
  let next = 0;
  const open = async (): Promise<Socket> => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return socket;
  };
  const sockets = await Promise.all(Array.from({ length: connections }, open));
  const startedAt = performance.now();
  const work = async (socket: Socket): Promise<void> => {
    for (let request = requests[next++]; request; request = requests[next++]) {
      const sentAt = performance.now();
      const body = await exchange(socket, request);
      latencies.push(performance.now() - sentAt);
      if (body !== expectedBody) throw new Error(`Another answer than expected: ${body.slice(0, 300)}`);
    }
  };
  try {
    await Promise.all(sockets.map(work));
    const elapsedMs = performance.now() - startedAt;
    return { elapsedMs, latenciesMs: Float64Array.from(latencies).sort() };
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

function exchange(socket: Socket, request: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const settle = (act: () => void): void => {
      socket.removeAllListeners('data').removeAllListeners('error').removeAllListeners('close');
      act();
    };
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      const headersEnd = answer.indexOf(HEADERS_END);
      if (headersEnd < 0) return;
      const bodyStart = headersEnd + HEADERS_END.length;
      const length = /\r\ncontent-length: (\d+)\r\n/i.exec(answer)?.[1];
      if (!answer.startsWith('HTTP/1.1 200 ') || length === undefined) {
        settle(() => reject(new Error(`Not the answer that was hoped for: ${answer.slice(0, 300)}`)));
      } else if (answer.length >= bodyStart + Number(length)) {
        settle(() => resolve(answer.slice(bodyStart)));
      }
    });
    socket.on('error', (error) => settle(() => reject(error)));
    socket.on('close', () => settle(() => reject(new Error('The server hung up.'))));
    socket.write(request);
  });
}

if (!isMainThread) {
  parentPort?.on('message', async (order: LoadOrder) => {
    try {
      parentPort?.postMessage({ report: await load(order) });
    } catch (error) {
      parentPort?.postMessage({ error: String(error) });
    }
  });
}
