import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type FastifyInstance, fastify } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import { listenWide } from './listen-wide.ts';

const HOST = '127.0.0.1';
const LISTENERS = 8;
const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

const servers: FastifyInstance[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((http) => http.close()));
});

async function serve(options: { port?: number; maximum?: number; answer?: () => Promise<string> } = {}) {
  const { port = 0, maximum, answer = async () => 'ok' } = options;
  const http = fastify({ forceCloseConnections: 'idle' });
  http.get('/', answer);
  if (maximum !== undefined) http.server.maxConnections = maximum;
  servers.push(http);
  await listenWide(http, { host: HOST, port, clock: systemClock, listeners: LISTENERS });
  return { http, port: (http.server.address() as AddressInfo).port };
}

function open(port: number): Socket {
  const socket = connect({ host: HOST, port }).setEncoding('latin1');
  // Somebody always reads, so that its end is noticed.
  socket.on('error', () => {}).on('data', () => {});
  sockets.push(socket);
  return socket;
}

/** What comes back; '' when it is hung up. */
function ask(socket: Socket): Promise<string> {
  socket.write(REQUEST);
  return new Promise((resolve) => socket.once('data', resolve).once('close', () => resolve('')));
}

describe('listening by several sockets', () => {
  it('answers whoever comes, by whichever socket', async () => {
    const { http, port } = await serve();
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(open(port))));
    expect(answers.every((answer) => answer.startsWith('HTTP/1.1 200'))).toBe(true);
    // Were they not shared out, the first socket would have taken all.
    const own = await new Promise<number>((resolve) =>
      http.server.getConnections((_error, count) => resolve(count)),
    );
    expect(own).toBeLessThan(100);
  });

  it('says so when anybody has the port, another such server included', async () => {
    const { port } = await serve();
    await expect(serve({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const plain = createServer().listen({ host: HOST, port });
    const [error] = await once(plain, 'error');
    expect(error).toMatchObject({ code: 'EADDRINUSE' });
    // And with one that shares nothing, in the other order.
    const alone = createServer().listen({ host: HOST, port: 0 });
    await once(alone, 'listening');
    await expect(serve({ port: (alone.address() as AddressInfo).port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    alone.close();
  });

  it('hangs up on who comes beyond the maximum', async () => {
    const { port } = await serve({ maximum: LISTENERS });
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(open(port))));
    const answered = answers.filter((answer) => answer.startsWith('HTTP/1.1 200'));
    expect(answered.length).toBeGreaterThan(0);
    expect(answered.length).toBeLessThanOrEqual(LISTENERS);
    expect(answers.filter((answer) => answer === '')).toHaveLength(100 - answered.length);
  });

  it('ends with the answers that are under way: idle connections are closed, and nobody new is let in', async () => {
    const release = Promise.withResolvers<string>();
    let asked = 0;
    const { http, port } = await serve({
      answer: () => (++asked <= 20 ? Promise.resolve('ok') : release.promise),
    });
    const idle = Array.from({ length: 20 }, () => open(port));
    await Promise.all(idle.map(ask));
    const hungUp = Promise.all(idle.map((socket) => once(socket, 'close')));
    const busy = Array.from({ length: 20 }, () => ask(open(port)));
    await expect.poll(() => asked).toBe(40);
    let isClosed = false;
    const closing = http.close().then(() => {
      isClosed = true;
    });
    await hungUp;
    await expect.poll(async () => ask(open(port))).toBe('');
    expect(isClosed).toBe(false);
    release.resolve('late');
    const answers = await Promise.all(busy);
    expect(answers.every((answer) => answer.startsWith('HTTP/1.1 200') && answer.endsWith('late'))).toBe(
      true,
    );
    await closing;
  });
});
