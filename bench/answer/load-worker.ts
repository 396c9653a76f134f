import { connect, type Socket } from 'node:net';
import { parentPort } from 'node:worker_threads';

/** What the main thread asks of this worker: all these requests, each answered before its connection sends another. */
export interface LoadOrder {
  readonly port: number;
  readonly requests: readonly Uint8Array[];
  readonly connections: number;
  /** requests a second, whether answers come or not; null: as fast as answers come */
  readonly rate: number | null;
  /** what an answer holds that connects the call */
  readonly expected: string;
  /**
   * Set where each connection sends at the same moment as all others, once all were answered: the serving thread then
   * stands still at this gate until every request is there, so that what it does at once never depends on how busy the
   * machine is. 0: open, 1: it stands still.
   */
  readonly gate: Int32Array<SharedArrayBuffer> | null;
}

export interface LoadReport {
  readonly elapsedMs: number;
  /** sorted; from when the request was due, so that a server that stands still is not spared */
  readonly latenciesMs: Float64Array;
  /** answers, of status 200 all the same, that connect nobody: the server had no time for a decision */
  readonly unconnected: number;
  /** of this thread, for each request */
  readonly cpuMicros: number;
}

const BUFFER_BYTES = 16 * 1024;
const STATUS_200 = 'HTTP/1.1 200 ';

/**
 * A client that costs little, so that it is the servers that are measured: requests are bytes made before, and of
 * an answer the status, the length and one piece are looked at.
 */
class Connection {
  onIdle: (connection: Connection) => void = () => {};
  onFailure: (error: Error) => void = () => {};
  readonly #socket: Socket;
  readonly #expected: string;
  unconnected = 0;
  #answer = '';
  #dueAt = 0;
  readonly #latencies: number[];

  constructor(order: LoadOrder, latencies: number[]) {
    this.#expected = order.expected;
    this.#latencies = latencies;
    this.#socket = connect({
      port: order.port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(BUFFER_BYTES),
        callback: (length, buffer) => this.#read(buffer as Buffer, length),
      },
    });
    this.#socket.on('error', (error) => this.onFailure(error));
    this.#socket.on('end', () => this.onFailure(new Error('The server hung up.')));
  }

  async open(): Promise<void> {
    await new Promise((resolve, reject) => this.#socket.once('connect', resolve).once('error', reject));
  }

  send(request: Uint8Array, dueAt: number): void {
    this.#dueAt = dueAt;
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(buffer: Buffer, length: number): boolean {
    this.#answer += buffer.toString('latin1', 0, length);
    const headersEnd = this.#answer.indexOf('\r\n\r\n');
    if (headersEnd < 0) return true;
    const at = this.#answer.toLowerCase().indexOf('content-length: ');
    const size = Number.parseInt(this.#answer.slice(at + 16, at + 24), 10);
    if (this.#answer.length < headersEnd + 4 + size) return true;
    if (!this.#answer.includes(this.#expected)) this.unconnected++;
    if (!this.#answer.startsWith(STATUS_200)) {
      this.onFailure(new Error(`Not the answer that was hoped for: ${this.#answer.slice(0, 400)}`));
      return false;
    }
    this.#answer = '';
    this.#latencies.push(performance.now() - this.#dueAt);
    this.onIdle(this);
    return true;
  }
}

async function load(order: LoadOrder): Promise<LoadReport> {
  const { requests, rate } = order;
  const latencies: number[] = [];
  const connections = Array.from({ length: order.connections }, () => new Connection(order, latencies));
  await Promise.all(connections.map((connection) => connection.open()));
  const idle: Connection[] = [];
  let next = 0;
  const cpuBefore = process.threadCpuUsage();
  const startedAt = performance.now();
  const isDue = (): boolean => rate === null || performance.now() - startedAt >= (1_000 * next) / rate;
  const done = Promise.withResolvers<void>();
  const pump = (): void => {
    if (order.gate) {
      if (idle.length < connections.length) return;
      parentPort?.postMessage({ atTheGate: true });
      Atomics.wait(order.gate, 0, 0);
    }
    while (idle.length > 0 && next < requests.length && isDue()) {
      const dueAt = rate === null ? performance.now() : startedAt + (1_000 * next) / rate;
      idle.shift()?.send(requests[next++] as Uint8Array, dueAt);
    }
    if (order.gate) {
      Atomics.store(order.gate, 0, 0);
      Atomics.notify(order.gate, 0);
    }
  };
  for (const connection of connections) {
    connection.onFailure = done.reject;
    connection.onIdle = (one) => {
      if (latencies.length === requests.length) return done.resolve();
      idle.push(one);
      pump();
    };
    idle.push(connection);
  }
  const timer = rate === null ? null : setInterval(pump, 1);
  try {
    pump();
    await done.promise;
    const elapsedMs = performance.now() - startedAt;
    const { user, system } = process.threadCpuUsage(cpuBefore);
    const latenciesMs = Float64Array.from(latencies).sort();
    const unconnected = connections.reduce((sum, one) => sum + one.unconnected, 0);
    return { elapsedMs, latenciesMs, unconnected, cpuMicros: (user + system) / requests.length };
  } finally {
    if (timer) clearInterval(timer);
    for (const connection of connections) connection.close();
  }
}

parentPort?.on('message', async (order: LoadOrder) => {
  try {
    parentPort?.postMessage({ report: await load(order) });
  } catch (error) {
    parentPort?.postMessage({ error: String(error) });
  }
});
