import { connect, type Socket } from 'node:net';
import { type FloodCall, forgedRequest, genuineRequest } from './flood-request.ts';

/** What `flood.ts` asks of a client, each of which is a process of its own. */
export interface FloodOrder {
  readonly port: number;
  readonly calls: readonly FloodCall[];
  /** the first of them, so that each is as seldom as it can be */
  readonly from: number;
  readonly kind: 'genuine' | 'forged' | 'wrong_path';
  readonly seconds: number;
  /** begun so many a second whatever becomes of them; null: the next when one of `connections` is answered */
  readonly perSecond: number | null;
  /** never more than so many at a time: what is due beyond waits, and its time counts */
  readonly connections: number;
}

export interface FloodOutcome {
  readonly asked: number;
  readonly connected: number;
  /** status 200 all the same, and the neutral sentence */
  readonly neutral: number;
  readonly refused: number;
  /** the connection broke or was not made */
  readonly lost: number;
  /** sorted; since each was due, so that neither the server nor this process is spared its own delay */
  readonly latenciesMs: readonly number[];
  /** sorted; since each was written to a connection, which may not have been made yet */
  readonly answeredMs: readonly number[];
  readonly cpuMicros: number;
}

const TICK_MS = 1;

type Done = (
  connection: FloodConnection,
  answer: string | null,
  at: { dueAt: number; sentAt: number },
) => void;

/** One keep-alive connection, raw: the client should cost little beside what it measures. */
class FloodConnection {
  readonly #done: Done;
  readonly #socket: Socket;
  #answer = '';
  #at = { dueAt: 0, sentAt: 0 };
  #busy = false;

  constructor(port: number, done: Done) {
    this.#done = done;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.setEncoding('latin1').on('data', (part: string) => this.#read(part));
    this.#socket.on('error', () => {}).on('close', () => this.#finish(null));
  }

  get open(): boolean {
    return !this.#socket.destroyed;
  }

  send(request: Uint8Array, dueAt: number): void {
    this.#busy = true;
    this.#at = { dueAt, sentAt: performance.now() };
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(part: string): void {
    this.#answer += part;
    const end = this.#answer.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = /content-length: ([0-9]+)/i.exec(this.#answer)?.[1];
    if (this.#answer.length < end + 4 + Number(length)) return;
    const answer = this.#answer;
    this.#answer = '';
    this.#finish(answer);
  }

  #finish(answer: string | null): void {
    if (!this.#busy) return;
    this.#busy = false;
    this.#done(this, answer, this.#at);
  }
}

async function flood(order: FloodOrder): Promise<FloodOutcome> {
  const { port, perSecond, seconds, connections } = order;
  const make = order.kind === 'genuine' ? genuineRequest : forgedRequest;
  const target = order.kind === 'wrong_path' ? 'wrong' : 'right';
  // Made before: a signature costs as much as an answer.
  const ahead = perSecond === null ? 0 : Math.ceil(perSecond * seconds);
  const callOf = (n: number): FloodCall => order.calls[(order.from + n) % order.calls.length] as FloodCall;
  const requests = Array.from({ length: ahead }, (_, n) => make(callOf(n), target));
  const counts = { connected: 0, neutral: 0, refused: 0, lost: 0 };
  const latenciesMs: number[] = [];
  const answeredMs: number[] = [];
  const idle: FloodConnection[] = [];
  const all = new Set<FloodConnection>();
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const until = startedAt + seconds * 1_000;
  let next = 0;
  const finished = Promise.withResolvers<void>();

  const free = (): FloodConnection | null => {
    for (let one = idle.pop(); one; one = idle.pop()) if (one.open) return one;
    if (all.size >= connections) return null;
    const made = new FloodConnection(port, settle);
    all.add(made);
    return made;
  };
  const pump = (): void => {
    const now = performance.now();
    while (perSecond === null ? now < until : next < ahead && now >= startedAt + (1_000 * next) / perSecond) {
      const connection = free();
      if (!connection) return;
      const dueAt = perSecond === null ? performance.now() : startedAt + (1_000 * next) / perSecond;
      connection.send(requests[next] ?? make(callOf(next), target), dueAt);
      next++;
    }
    const over = perSecond === null ? now >= until : next >= ahead;
    if (over && latenciesMs.length === next) finished.resolve();
  };
  function settle(...[connection, answer, { dueAt, sentAt }]: Parameters<Done>): void {
    latenciesMs.push(performance.now() - dueAt);
    answeredMs.push(performance.now() - sentAt);
    if (answer === null) counts.lost++;
    else if (!answer.startsWith('HTTP/1.1 200')) counts.refused++;
    else if (answer.includes('<Dial')) counts.connected++;
    else counts.neutral++;
    if (connection.open) idle.push(connection);
    else all.delete(connection);
    pump();
  }
  const timer = setInterval(pump, TICK_MS);
  pump();
  await finished.promise;
  clearInterval(timer);
  for (const connection of all) connection.close();
  const { user, system } = process.cpuUsage(cpu);
  latenciesMs.sort((a, b) => a - b);
  answeredMs.sort((a, b) => a - b);
  return { asked: next, ...counts, latenciesMs, answeredMs, cpuMicros: user + system };
}

process.on('message', async (order: FloodOrder) => process.send?.(await flood(order)));
process.on('disconnect', () => process.exit(0));
