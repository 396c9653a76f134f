import { connect, createServer } from 'node:net';

export interface ListeningSocket {
  close(): Promise<void>;
}

/** Listens on a path, an abstract name or a pipe, and answers nothing. It does not keep the process alive. */
export function listenAt(address: string): Promise<ListeningSocket | 'in-use'> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve('in-use');
      else reject(error);
    });
    // Without `exclusive`, the workers of a cluster would share one socket and all believe that they hold it.
    server.listen({ path: address, exclusive: true }, () => {
      server.unref();
      // An accept that fails later does not matter: who connects wants to know only whether somebody listens.
      server.on('error', () => {});
      resolve({ close: () => new Promise((closed) => server.close(() => closed())) });
    });
  });
}

/** Whether somebody listens there. What cannot be told counts as yes. */
export function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(file);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT' && error.code !== 'ENOTSOCK');
    });
  });
}
