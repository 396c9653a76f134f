import { createServer, type AddressInfo, type ListenOptions, type Server } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Clock, TimerHandle } from '../lib/clock.ts';

/**
 * Connections that the system may have waiting while this process is busy: for `listen`. Node's own 511 are full after a
 * tenth of a second of a rush, and whoever is turned away there tries again after 1, 3, 7 and 15 seconds.
 */
export const LISTEN_BACKLOG = 4_096;

/**
 * The event loop takes one new connection of a listening socket in each of its turns, and a turn takes ten milliseconds in a
 * rush: of 2,000 that come at once, the last would wait for 18 s. Of so many sockets on the same port
 * it takes one each. With 64, more came in at once than was good: a quarter of what can be decided was. With 16, nine tenths.
 */
const LISTENERS = 16;
/** The systems whose kernel shares connections out among sockets of one port. Elsewhere there is one. */
const SHARING: ReadonlySet<NodeJS.Platform> = new Set(['linux', 'freebsd']);
/** How often connections that have become idle are looked for, while the server closes. */
const SWEEP_MS = 50;

export interface ListenWideOptions {
  readonly host: string;
  /** 0: any that is free */
  readonly port: number;
  readonly clock: Clock;
  /** sockets; default: 16 where the system can share, else 1 */
  readonly listeners?: number;
}

/**
 * Listens as `http.listen` does, with more than one socket on the port, and stops with the server. Returns the address.
 * @throws what `listen` throws, EADDRINUSE when anybody has the port, another Maskline included
 */
export async function listenWide(http: FastifyInstance, options: ListenWideOptions): Promise<string> {
  const { host, clock, listeners = SHARING.has(process.platform) ? LISTENERS : 1 } = options;
  if (listeners === 1) return http.listen({ host, port: options.port, backlog: LISTEN_BACKLOG });
  // Two programs that both share a port would get half of the calls each, and neither would be told. So it is asked for
  // alone first, which fails when anybody listens there.
  const port = await findFree(host, options.port);
  const maximum = http.server.maxConnections;
  const others = Array.from({ length: listeners - 1 }, () =>
    // As node:http makes its own: half-closed connections are still answered, and small packets are sent at once.
    createServer({ allowHalfOpen: true, noDelay: true }, (socket) => http.server.emit('connection', socket)),
  );
  const sweeper = new IdleSweeper(http, clock);
  // Before the framework closes the first socket, and after it.
  http.addHook('preClose', async () => {
    stopListening(others);
    sweeper.start();
  });
  http.addHook('onClose', async () => {
    await Promise.all(others.map(ended));
    sweeper.stop();
  });
  if (maximum !== undefined) {
    // Connections come to the sockets about evenly.
    for (const server of [http.server, ...others]) server.maxConnections = Math.ceil(maximum / listeners);
  }
  const shared = { host, port, backlog: LISTEN_BACKLOG, reusePort: true };
  const url = await http.listen(shared);
  await Promise.all(others.map((server) => listen(server, shared)));
  return url;
}

async function findFree(host: string, port: number): Promise<number> {
  const probe = createServer();
  await listen(probe, { host, port, exclusive: true });
  const { port: found } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return found;
}

function listen(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function stopListening(servers: readonly Server[]): void {
  for (const server of servers) if (server.listening) server.close();
}

/** When its last connection has ended. */
function ended(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.getConnections((_error, open) => (open === 0 ? resolve() : server.once('close', resolve)));
  });
}

/**
 * Hangs up on connections as they become idle. Node does so once when a server closes, and then waits for those that were
 * busy at that moment, as long as they are kept alive.
 */
class IdleSweeper {
  readonly #http: FastifyInstance;
  readonly #clock: Clock;
  #timer: TimerHandle | null = null;

  constructor(http: FastifyInstance, clock: Clock) {
    this.#http = http;
    this.#clock = clock;
  }

  start(): void {
    this.#http.server.closeIdleConnections();
    this.#timer = this.#clock.after(SWEEP_MS, () => this.start());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
