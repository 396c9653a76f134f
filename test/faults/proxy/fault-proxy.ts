import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Clock, systemClock, type TimerHandle } from '../../../src/lib/clock.ts';
import { type Random, seededRandom } from '../../../src/lib/random.ts';
import { type Stream, type Toxic, type ToxicSettings, toToxic } from './toxic.ts';
import { ToxicPipe } from './toxic-pipe.ts';

const CONNECTIONS_MAXIMUM = 1_000;
const TOXICS_MAXIMUM = 32;

/** What a tap may do to the connection that it listens to. */
export interface Wire {
  /** Sends something to the client in the name of the server. */
  answer(bytes: Buffer): void;
  /** Resets both sides. */
  reset(): void;
  /** Closes both sides in order. */
  close(): void;
  /** Swallows everything from now on, in both directions or in one, and closes nothing. */
  silence(stream?: Stream): void;
}

/** Somebody who understands the protocol: what it returns goes on, null nothing. */
export interface Tap {
  upstream(bytes: Buffer): Buffer | null;
  downstream(bytes: Buffer): Buffer | null;
}

export interface FaultProxyOptions {
  readonly upstream: { readonly host: string; readonly port: number };
  /** 0: any free one; it stays the same over `disable` and `enable` */
  readonly port?: number;
  readonly seed?: number;
  readonly clock?: Clock;
  readonly tap?: (wire: Wire) => Tap;
}

interface Connection {
  readonly id: number;
  readonly sockets: readonly [Socket, Socket];
  readonly pipes: Readonly<Record<Stream, ToxicPipe>>;
  /** of each toxic, whether it befalls this connection */
  readonly befallen: Map<Toxic, boolean>;
  readonly timers: TimerHandle[];
}

/** A wire between a client and a server that can be made bad in eight ways, repeatably. */
export class FaultProxy {
  readonly #options: FaultProxyOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #connections = new Set<Connection>();
  #toxics: readonly Toxic[] = [];
  #server: Server | null = null;
  #port: number;
  #nextId = 0;

  private constructor(options: FaultProxyOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = seededRandom(options.seed ?? 1);
    this.#port = options.port ?? 0;
  }

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    await proxy.enable();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  get enabled(): boolean {
    return this.#server !== null;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** how many were accepted since the start */
  get accepted(): number {
    return this.#nextId;
  }

  get toxics(): readonly Toxic[] {
    return this.#toxics;
  }

  get upstream(): { readonly host: string; readonly port: number } {
    return this.#options.upstream;
  }

  /** Ends `down`. */
  async enable(): Promise<void> {
    if (this.#server) return;
    const server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
    server.maxConnections = CONNECTIONS_MAXIMUM;
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    this.#port = typeof address === 'object' && address !== null ? address.port : this.#port;
    this.#server = server;
  }

  /** `down`: closes what is open, and refuses what comes. */
  async disable(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    const closed = once(server, 'close');
    server.close();
    for (const connection of this.#connections) this.#end(connection, 'close');
    await closed;
  }

  /** @throws Error when there are too many, or one of that name */
  add(settings: ToxicSettings): Toxic {
    const toxic = toToxic(settings);
    if (this.#toxics.length >= TOXICS_MAXIMUM) throw new Error(`There are ${TOXICS_MAXIMUM} toxics already.`);
    if (this.#toxics.some(({ name }) => name === toxic.name)) {
      throw new Error(`There is a toxic called ${toxic.name} already.`);
    }
    this.#toxics = [...this.#toxics, toxic];
    for (const connection of this.#connections) this.#befall(connection, toxic);
    return toxic;
  }

  /** @returns whether there was one of that name */
  remove(name: string): boolean {
    const before = this.#toxics.length;
    this.#toxics = this.#toxics.filter((toxic) => toxic.name !== name);
    return this.#toxics.length < before;
  }

  /** Up, and without toxics. Connections that have lost bytes stay as dead as they are. */
  async reset(): Promise<void> {
    this.#toxics = [];
    await this.enable();
  }

  /** Resets every connection once. */
  cut(): void {
    for (const connection of this.#connections) this.#end(connection, 'reset');
  }

  async close(): Promise<void> {
    await this.disable();
  }

  #accept(client: Socket): void {
    const { host, port } = this.#options.upstream;
    const server = connect({ host, port, allowHalfOpen: true });
    const befallen = new Map<Toxic, boolean>();
    const end = (how: 'close' | 'reset'): void => this.#end(connection, how);
    const tap = this.#options.tap?.({
      answer: (bytes) => void (client.destroyed || client.write(bytes)),
      reset: () => end('reset'),
      close: () => end('close'),
      silence: (stream) => {
        if (stream !== 'downstream') connection.pipes.upstream.silence();
        if (stream !== 'upstream') connection.pipes.downstream.silence();
      },
    });
    const pipe = (from: Socket, to: Socket, stream: Stream): ToxicPipe =>
      new ToxicPipe({
        from,
        to,
        clock: this.#clock,
        random: this.#random,
        toxics: () => this.#toxics.filter((toxic) => toxic.stream === stream && befallen.get(toxic) === true),
        close: () => end('close'),
        ...(tap && { tap: (bytes: Buffer) => tap[stream](bytes) }),
      });
    const connection: Connection = {
      id: this.#nextId++,
      sockets: [client, server],
      pipes: { upstream: pipe(client, server, 'upstream'), downstream: pipe(server, client, 'downstream') },
      befallen,
      timers: [],
    };
    this.#connections.add(connection);
    for (const socket of connection.sockets) {
      socket.setNoDelay(true);
      socket.on('error', () => end('reset'));
      socket.on('close', () => this.#forgetWhenClosed(connection));
    }
    for (const toxic of this.#toxics) this.#befall(connection, toxic);
  }

  #befall(connection: Connection, toxic: Toxic): void {
    const befalls = this.#random.next() < toxic.toxicity;
    connection.befallen.set(toxic, befalls);
    if (!befalls) return;
    const still = (how: 'close' | 'reset') => () => {
      if (this.#toxics.includes(toxic)) this.#end(connection, how);
    };
    if (toxic.type === 'reset_peer') {
      connection.timers.push(this.#clock.after(toxic.attributes.timeout, still('reset')));
    } else if (toxic.type === 'timeout' && toxic.attributes.timeout > 0) {
      connection.timers.push(this.#clock.after(toxic.attributes.timeout, still('close')));
    }
  }

  #end(connection: Connection, how: 'close' | 'reset'): void {
    for (const socket of connection.sockets) {
      if (how === 'reset' && !socket.connecting) socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  #forgetWhenClosed(connection: Connection): void {
    if (!connection.sockets.every((socket) => socket.destroyed)) return;
    for (const timer of connection.timers) timer.cancel();
    this.#connections.delete(connection);
  }
}
