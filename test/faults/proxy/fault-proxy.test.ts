import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultProxy } from './fault-proxy.ts';
import { ProxyControl } from './proxy-control.ts';
import type { ToxicSettings } from './toxic.ts';

/** A server that says back what it hears, a proxy before it, and clients. */
let echo: Server;
let proxy: FaultProxy;
const clients: Socket[] = [];
const served: Socket[] = [];

beforeEach(async () => {
  echo = createServer({ allowHalfOpen: true }, (socket) => {
    served.push(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await FaultProxy.start({ upstream: { host: '127.0.0.1', port: portOf(echo) }, seed: 7 });
});

afterEach(async () => {
  for (const socket of [...clients.splice(0), ...served.splice(0)]) socket.destroy();
  await proxy.close();
  echo.close();
});

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('It does not listen.');
  return address.port;
}

async function dial(): Promise<Client> {
  const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
  clients.push(socket);
  socket.on('error', () => {});
  const client = new Client(socket);
  await once(socket, 'connect');
  return client;
}

class Client {
  readonly socket: Socket;
  readonly pieces: Buffer[] = [];
  ended = false;
  /** the error code, `end` when the other side closed it in order, null while it is open */
  over: string | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (piece: Buffer) => this.pieces.push(piece));
    socket.on('end', () => {
      this.ended = true;
      this.over ??= 'end';
    });
    socket.on('error', (error: NodeJS.ErrnoException) => (this.over = error.code ?? 'error'));
    socket.on('close', () => (this.over ??= 'end'));
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString();
  }

  /** Milliseconds until so much has come back. */
  async say(text: string, expected = text.length): Promise<number> {
    const from = performance.now();
    const before = this.text.length;
    this.socket.write(text);
    await eventually(`${expected} bytes`, () => this.text.length - before >= expected);
    return performance.now() - from;
  }
}

async function eventually(what: string, holds: () => boolean, limitMs = 5_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`In vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe('FaultProxy', () => {
  it('passes on what it is given, in order, and the end as well', async () => {
    const client = await dial();
    const text = 'a'.repeat(200_000) + 'b'.repeat(200_000);
    await client.say(text);
    expect(client.text).toBe(text);
    client.socket.end();
    await eventually('the end', () => client.ended);
    await eventually('nothing left', () => proxy.connections === 0);
  });

  it('latency: later, in order, and by the jitter that the seed gives', async () => {
    proxy.add({ type: 'latency', attributes: { latency: 120, jitter: 20 } });
    const client = await dial();
    const tookMs = await client.say('one');
    expect(tookMs).toBeGreaterThan(95);
    // What follows at once is late by as much, and not by twice as much.
    const from = performance.now();
    for (let i = 0; i < 20; i++) client.socket.write(String(i % 10));
    await eventually('all', () => client.text.length === 23);
    expect(performance.now() - from).toBeLessThan(1_500);
    expect(client.text).toBe('one01234567890123456789');
    proxy.remove('latency');
    expect(await client.say('two')).toBeLessThan(95);
  });

  it('down: refuses, and comes back on the same port', async () => {
    const client = await dial();
    await client.say('here');
    const { port } = proxy;
    await proxy.disable();
    await eventually('closed', () => client.over !== null);
    await expect(
      new Promise((resolve, reject) => connect(port, '127.0.0.1').on('connect', resolve).on('error', reject)),
    ).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await proxy.enable();
    expect(proxy.port).toBe(port);
    await (await dial()).say('again');
  });

  it('bandwidth: so many kilobytes in a second', async () => {
    proxy.add({ type: 'bandwidth', attributes: { rate: 100 } });
    const tookMs = await (await dial()).say('x'.repeat(30_000));
    expect(tookMs).toBeGreaterThan(250);
  });

  it('slow_close: what was said comes at once, the end late', async () => {
    proxy.add({ type: 'slow_close', attributes: { delay: 150 } });
    const client = await dial();
    const from = performance.now();
    client.socket.end('bye');
    await eventually('the words', () => client.text === 'bye');
    expect(performance.now() - from).toBeLessThan(140);
    await eventually('the end', () => client.ended);
    expect(performance.now() - from).toBeGreaterThan(140);
  });

  it('timeout 0: a black hole; healed, it takes new connections, and those that lost bytes stay silent', async () => {
    const [lost, idle] = [await dial(), await dial()];
    await idle.say('before');
    proxy.add({ type: 'timeout', attributes: { timeout: 0 } });
    lost.socket.write('anybody?');
    await eventually('swallowed', () => served.some((socket) => socket.bytesRead === 8));
    await proxy.reset();
    await (await dial()).say('new');
    await idle.say('idle connections lost nothing');
    lost.socket.write('still?');
    await idle.say('a round trip');
    expect([lost.text, lost.over]).toEqual(['', null]);
  });

  it('timeout: closes after its time', async () => {
    const client = await dial();
    proxy.add({ type: 'timeout', stream: 'upstream', attributes: { timeout: 50 } });
    client.socket.write('hello?');
    await eventually('closed', () => client.over === 'end');
    expect(client.text).toBe('');
  });

  it('reset_peer: a reset, not an end', async () => {
    const client = await dial();
    await client.say('fine');
    proxy.add({ type: 'reset_peer', attributes: { timeout: 20 } });
    await eventually('reset', () => client.over === 'ECONNRESET');
  });

  it('slicer: the same bytes in small pieces', async () => {
    proxy.add({ type: 'slicer', attributes: { average_size: 50, size_variation: 20, delay: 2_000 } });
    const client = await dial();
    await client.say('0123456789'.repeat(50));
    expect(client.text).toBe('0123456789'.repeat(50));
    expect(client.pieces.length).toBeGreaterThan(4);
    expect(Math.max(...client.pieces.map(({ length }) => length))).toBeLessThan(300);
  });

  it('limit_data: so many bytes, and no more', async () => {
    proxy.add({ type: 'limit_data', attributes: { bytes: 10 } });
    const client = await dial();
    client.socket.write('0123456789abcdef');
    await eventually('closed', () => client.over !== null);
    expect(client.text).toBe('0123456789');
  });

  it('befalls the share of connections that was asked for, the same ones for the same seed', async () => {
    const silentOnes = async (): Promise<string> => {
      const each = await FaultProxy.start({ upstream: { host: '127.0.0.1', port: portOf(echo) }, seed: 3 });
      each.add({ type: 'limit_data', toxicity: 0.5, attributes: { bytes: 0 } });
      const results: string[] = [];
      for (let i = 0; i < 24; i++) {
        const client = new Client(connect(each.port, '127.0.0.1'));
        clients.push(client.socket);
        client.socket.write('x');
        await eventually('a word or the end', () => client.text === 'x' || client.over !== null);
        results.push(client.text);
      }
      await each.close();
      return results.map((text) => text || '-').join('');
    };
    const first = await silentOnes();
    expect(first).toMatch(/x.*-|-.*x/);
    expect(await silentOnes()).toBe(first);
  });

  it('lets somebody who knows the protocol listen in, answer and swallow', async () => {
    const tapped = await FaultProxy.start({
      upstream: { host: '127.0.0.1', port: portOf(echo) },
      tap: (wire) => ({
        upstream(bytes) {
          if (bytes.toString() !== 'ask') return bytes;
          wire.answer(Buffer.from('forged'));
          return null;
        },
        downstream: (bytes) => bytes,
      }),
    });
    const client = new Client(connect(tapped.port, '127.0.0.1'));
    clients.push(client.socket);
    await client.say('ask', 6);
    await client.say('honest');
    expect(client.text).toBe('forgedhonest');
    await tapped.close();
  });

  it('has a limit on toxics, and one name for each', () => {
    const toxic = (name: string): ToxicSettings => ({
      name,
      type: 'slow_close',
      attributes: { delay: 1 },
    });
    for (let i = 0; i < 32; i++) proxy.add(toxic(`t${i}`));
    expect(() => proxy.add(toxic('one-more'))).toThrow('32');
    proxy.remove('t0');
    expect(() => proxy.add(toxic('t1'))).toThrow('t1');
  });
});

describe('ProxyControl', () => {
  let control: ProxyControl;
  beforeEach(async () => {
    control = await ProxyControl.start({ seed: 1 });
  });
  afterEach(() => control.close());

  async function ask(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: unknown }> {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(`${control.url}${path}`, init);
    return { status: response.status, body: response.status === 204 ? null : await response.json() };
  }

  it('makes a proxy, makes it bad, heals it and takes it away', async () => {
    const made = await ask('POST', '/proxies', { name: 'db', upstream: `127.0.0.1:${portOf(echo)}` });
    expect(made).toMatchObject({ status: 201, body: { name: 'db', enabled: true, toxics: [] } });
    const listen = Number((made.body as { listen: string }).listen.split(':')[1]);
    const reset = { type: 'reset_peer', attributes: { timeout: 0 } };
    expect(await ask('POST', '/proxies/db/toxics', reset)).toMatchObject({
      status: 200,
      body: { name: 'reset_peer', stream: 'downstream', toxicity: 1 },
    });
    const client = new Client(connect(listen, '127.0.0.1'));
    clients.push(client.socket);
    await eventually('reset', () => client.over === 'ECONNRESET');
    expect((await ask('DELETE', '/proxies/db/toxics/reset_peer')).status).toBe(204);
    expect(await ask('POST', '/proxies/db', { enabled: false })).toMatchObject({ body: { enabled: false } });
    expect((await ask('POST', '/reset')).status).toBe(204);
    expect(await ask('GET', '/proxies')).toMatchObject({ body: { db: { enabled: true, toxics: [] } } });
    expect((await ask('DELETE', '/proxies/db')).status).toBe(204);
    expect((await ask('GET', '/proxies/db')).status).toBe(404);
  });

  it.each([
    ['/proxies', { name: 'a b', upstream: 'x:1' }],
    ['/proxies', { name: 'x', upstream: '127.0.0.1:1', listen: '0.0.0.0:1' }],
    ['/proxies/db/toxics', { type: 'unheard-of', attributes: {} }],
    ['/proxies/db/toxics', { type: 'latency', attributes: { latency: -1 } }],
    ['/proxies/db', { enabled: 'no' }],
    ['/proxies/db/toxics', 'x'.repeat(20_000)],
  ])('refuses what it does not understand: %s %j', async (path, body) => {
    await ask('POST', '/proxies', { name: 'db', upstream: '127.0.0.1:9' });
    expect((await ask('POST', path, body)).status).toBe(400);
  });
});
