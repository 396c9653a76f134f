import { Worker } from 'node:worker_threads';
import type { Database, OwnedDatabase } from '../../src/storage/sql/connection.ts';
import type { LoadOrder, LoadReport } from './load-worker.ts';
import { answerRequest } from './requests.ts';
import {
  createBenchApp,
  PATH,
  type RunningServer,
  serveAdapter,
  serveBare,
  serveMaskline,
  twilioAccount,
} from './servers.ts';
import { countCalls, Town } from './town.ts';

export type ServerName = 'bare' | 'adapter' | 'maskline' | 'plain';

export interface Measurement {
  /** calls that were connected */
  readonly perSecond: number;
  /** calls that were not: the server was too busy to decide them in time, and said so */
  readonly unconnected: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** microseconds of processor time for each request: of the thread that serves, and of the client's */
  readonly serverMicros: number;
  readonly clientMicros: number;
}

export interface Round {
  readonly requests: number;
  readonly connections: number;
  /** requests a second; default: as many as are answered */
  readonly rate?: number;
  /** all connections at the same moment, and again when all were answered; default: each when it was answered */
  readonly inBursts?: boolean;
}

const WARM_UP_CONNECTIONS = 8;
const EXPECTED = '<Response><Dial callerId="';

/**
 * Four servers in this process on one database: bare `node:http` that returns the bytes of an answer, the same with
 * the Twilio adapter, Maskline, and Maskline with one plain query for each statement of a call. The client runs in a thread of its own.
 */
export class AnswerBench {
  readonly town: Town;
  readonly #database: Database & OwnedDatabase;
  readonly #servers: Readonly<Record<ServerName, RunningServer>>;
  readonly #client = new Worker(new URL('./load-worker.ts', import.meta.url));
  #next = 0;
  /** calls that must have been recorded as connected, by the time of the last look */
  #wanted = 0;

  private constructor(
    town: Town,
    database: Database & OwnedDatabase,
    servers: Record<ServerName, RunningServer>,
  ) {
    this.town = town;
    this.#database = database;
    this.#servers = servers;
  }

  static async open(
    database: Database & OwnedDatabase,
    routes: number,
    progress: (text: string) => void,
  ): Promise<AnswerBench> {
    const masterKey = new Uint8Array(32).fill(7);
    const app = createBenchApp(database, masterKey, true);
    const town = await Town.found(app, database);
    await town.grow(routes, progress);
    const maskline = await serveMaskline(app);
    const plain = await serveMaskline(createBenchApp(database, masterKey, false));
    const sample = await ask(maskline.port, town);
    const bare = await serveBare(sample);
    const adapter = await serveAdapter(sample.headers, twilioAccount());
    const bench = new AnswerBench(town, database, { bare, adapter, maskline, plain });
    return bench;
  }

  /** So that compilers and plans are there. What is answered too late in it does not matter. */
  async warmUp(name: ServerName, requests: number): Promise<Measurement> {
    const measured = await this.#measure(name, { requests, connections: WARM_UP_CONNECTIONS });
    this.#wanted = (await countCalls(this.#database)).bridged;
    return measured;
  }

  /**
   * What autovacuum does within a minute of the first calls: without it, plans that were made for empty tables would be
   * measured. Afterwards it has nothing to do in the middle of a round.
   */
  async settle(): Promise<void> {
    await this.#database.asOwner((owner) => owner.execute('vacuum (analyze) call, session_usage, outbox'));
  }

  async measure(name: ServerName, round: Round): Promise<Measurement> {
    const measured = await this.#measure(name, round);
    const records = name === 'maskline' || name === 'plain';
    if (records) this.#wanted += round.requests - measured.unconnected;
    return measured;
  }

  async #measure(name: ServerName, round: Round): Promise<Measurement> {
    const { requests, connections, rate, inBursts = false } = round;
    const { callers } = this.town;
    const bytes = Array.from({ length: requests }, () => {
      const caller = callers[this.#next++ % callers.length];
      if (!caller) throw new Error('Nobody can call.');
      return answerRequest(caller);
    });
    const { port } = this.#servers[name];
    const cpuBefore = process.threadCpuUsage();
    const gate = inBursts ? new Int32Array(new SharedArrayBuffer(4)) : null;
    const order = { port, requests: bytes, connections, rate: rate ?? null, expected: EXPECTED, gate };
    const report = await this.#order(order);
    const { user, system } = process.threadCpuUsage(cpuBefore);
    return {
      perSecond: (1_000 * (requests - report.unconnected)) / report.elapsedMs,
      unconnected: report.unconnected,
      p50Ms: quantile(report.latenciesMs, 0.5),
      p99Ms: quantile(report.latenciesMs, 0.99),
      serverMicros: (user + system) / requests,
      clientMicros: report.cpuMicros,
    };
  }

  /** @throws Error when an answer left no record of a call that was connected */
  async checkRecords(): Promise<void> {
    const { bridged } = await countCalls(this.#database);
    // A call that was decided and then told nobody, because it came late, is recorded as such.
    if (bridged >= this.#wanted) return;
    throw new Error(`${this.#wanted} calls were connected, but ${bridged} are recorded so.`);
  }

  async close(): Promise<void> {
    await this.#client.terminate();
    for (const server of Object.values(this.#servers)) await server.close();
  }

  #order(order: LoadOrder): Promise<LoadReport> {
    return new Promise((resolve, reject) => {
      const heard = (answer: { report?: LoadReport; error?: string; atTheGate?: true }): void => {
        if (answer.atTheGate) {
          if (order.gate) standStill(order.gate);
          return;
        }
        this.#client.off('message', heard);
        if (answer.report) resolve(answer.report);
        else reject(new Error(answer.error));
      };
      this.#client.on('message', heard);
      this.#client.postMessage(order);
    });
  }
}

/** One answer, with the headers that Maskline itself writes. */
async function ask(port: number, town: Town): Promise<{ headers: string[]; body: string }> {
  const [caller] = town.callers;
  if (!caller) throw new Error('Nobody can call.');
  const [head = '', body = ''] = Buffer.from(answerRequest(caller)).toString().split('\r\n\r\n');
  const signature = /^X-Twilio-Signature: (.*)$/m.exec(head)?.[1] ?? '';
  const response = await fetch(`http://127.0.0.1:${port}${PATH}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signature },
    body,
  });
  const text = await response.text();
  if (!text.includes(EXPECTED)) throw new Error(`The first caller is not connected: ${text}`);
  // Written by node:http itself, for all.
  const own = new Set(['date', 'connection', 'keep-alive']);
  return { headers: [...response.headers].filter(([name]) => !own.has(name)).flat(), body: text };
}

/** Until the client has sent a whole burst. */
function standStill(gate: Int32Array<SharedArrayBuffer>): void {
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  Atomics.wait(gate, 0, 1);
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values).sort(), 0.5);
}
