import { connect, createServer, type Server, type Socket } from 'node:net';

/** A wire between a client and a server that a test can cut, block, or slow to a halt. */
export interface TcpProxy {
  readonly port: number;
  /** Swallows every byte from now on, both ways, without closing anything; new connections get no answer. */
  blackHole(): void;
  /** Resets all connections. */
  cut(): void;
  /** Swallows what the server answers, and lets requests pass. */
  swallowAnswers(): void;
  /** New connections work again; those that swallowed something stay dead. */
  heal(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  let mode: 'pass' | 'black-hole' | 'swallow-answers' = 'pass';
  const sockets = new Set<Socket>();
  const server: Server = createServer((downstream) => {
    const upstream = connect(target.port, target.host);
    for (const socket of [downstream, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    let dead = false;
    const forward = (from: Socket, to: Socket, isAnswer: boolean): void => {
      from.on('data', (bytes) => {
        dead ||= mode === 'black-hole' || (isAnswer && mode === 'swallow-answers');
        if (!dead || (!isAnswer && mode === 'swallow-answers')) to.write(bytes);
      });
      from.on('end', () => void (dead || to.end()));
      from.on('close', () => void (dead || to.destroy()));
    };
    forward(downstream, upstream, false);
    forward(upstream, downstream, true);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    blackHole: () => {
      mode = 'black-hole';
    },
    swallowAnswers: () => {
      mode = 'swallow-answers';
    },
    heal: () => {
      mode = 'pass';
    },
    cut: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
