import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { FaultProxy } from './fault-proxy.ts';
import { ToxicSettings } from './toxic.ts';

const BODY_BYTES_MAXIMUM = 16 * 1024;
const PROXIES_MAXIMUM = 64;

const ProxySettings = Type.Object({
  name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
  /** host:port to listen on; the host is always 127.0.0.1 */
  listen: Type.Optional(Type.String({ pattern: '^(127\\.0\\.0\\.1|localhost)?:[0-9]{1,5}$' })),
  upstream: Type.String({ pattern: '^[^:\\s]{1,253}:[0-9]{1,5}$' }),
});
const Enabled = Type.Object({ enabled: Type.Boolean() });
const validators = {
  proxy: Compile(ProxySettings),
  enabled: Compile(Enabled),
  toxic: Compile(ToxicSettings),
};

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/**
 * Proxies by name, driven over HTTP by the part of Toxiproxy's API that tests need: `GET|POST /proxies`,
 * `GET|POST|DELETE /proxies/{name}`, `GET|POST /proxies/{name}/toxics`, `DELETE …/toxics/{toxic}`, `POST /reset`.
 */
export class ProxyControl {
  readonly #proxies = new Map<string, FaultProxy>();
  readonly #seed: number;
  readonly #server: Server;

  private constructor(seed: number) {
    this.#seed = seed;
    this.#server = createServer((request, response) => {
      this.#answer(request)
        .catch((error: unknown): Reply => ({ status: 400, body: { error: reasonOf(error) } }))
        .then(({ status, body }) => {
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
        });
    });
  }

  static async start(options: { port?: number; seed?: number } = {}): Promise<ProxyControl> {
    const control = new ProxyControl(options.seed ?? 1);
    control.#server.listen(options.port ?? 0, '127.0.0.1');
    await once(control.#server, 'listening');
    return control;
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('The control does not listen.');
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    for (const proxy of this.#proxies.values()) await proxy.close();
  }

  async #answer(request: IncomingMessage): Promise<Reply> {
    const [collection, name, part, toxic] = (request.url ?? '/').split('/').slice(1).map(decodeURIComponent);
    const method = request.method ?? 'GET';
    if (collection === 'reset' && method === 'POST') {
      for (const proxy of this.#proxies.values()) await proxy.reset();
      return { status: 204, body: null };
    }
    if (collection !== 'proxies') return { status: 404, body: { error: 'There is nothing here.' } };
    if (name === undefined) return method === 'POST' ? this.#create(await read(request)) : this.#list();
    const proxy = this.#proxies.get(name);
    if (!proxy) return { status: 404, body: { error: `There is no proxy called ${name}.` } };
    if (part === undefined) return this.#one(method, name, proxy, request);
    if (part !== 'toxics') return { status: 404, body: { error: 'There is nothing here.' } };
    if (toxic !== undefined && method === 'DELETE') {
      return proxy.remove(toxic)
        ? { status: 204, body: null }
        : { status: 404, body: { error: `There is no toxic called ${toxic}.` } };
    }
    if (method !== 'POST') return { status: 200, body: proxy.toxics };
    const settings = await read(request);
    if (!validators.toxic.Check(settings)) throw new Error('That is no toxic.');
    return { status: 200, body: proxy.add(settings as ToxicSettings) };
  }

  #list(): Reply {
    const all = [...this.#proxies].map(([name, proxy]) => [name, describe(name, proxy)]);
    return { status: 200, body: Object.fromEntries(all) };
  }

  async #create(settings: unknown): Promise<Reply> {
    if (!validators.proxy.Check(settings)) throw new Error('A proxy needs `name` and `upstream`.');
    const { name, listen, upstream } = settings as { name: string; listen?: string; upstream: string };
    if (this.#proxies.has(name)) return { status: 409, body: { error: `${name} is there already.` } };
    if (this.#proxies.size >= PROXIES_MAXIMUM)
      throw new Error(`There are ${PROXIES_MAXIMUM} proxies already.`);
    const [host = '', port = ''] = upstream.split(':');
    const proxy = await FaultProxy.start({
      upstream: { host, port: Number(port) },
      port: Number(listen?.split(':')[1] ?? 0),
      seed: this.#seed + this.#proxies.size,
    });
    this.#proxies.set(name, proxy);
    return { status: 201, body: describe(name, proxy) };
  }

  async #one(method: string, name: string, proxy: FaultProxy, request: IncomingMessage): Promise<Reply> {
    if (method === 'DELETE') {
      await proxy.close();
      this.#proxies.delete(name);
      return { status: 204, body: null };
    }
    if (method === 'POST') {
      const settings = await read(request);
      if (!validators.enabled.Check(settings)) throw new Error('Only `enabled` can be changed.');
      if ((settings as { enabled: boolean }).enabled) await proxy.enable();
      else await proxy.disable();
    }
    return { status: 200, body: describe(name, proxy) };
  }
}

function describe(name: string, proxy: FaultProxy): object {
  const { host, port } = proxy.upstream;
  return {
    name,
    listen: `127.0.0.1:${proxy.port}`,
    upstream: `${host}:${port}`,
    enabled: proxy.enabled,
    toxics: proxy.toxics,
  };
}

async function read(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > BODY_BYTES_MAXIMUM) throw new Error(`The body is longer than ${BODY_BYTES_MAXIMUM} bytes.`);
    chunks.push(chunk as Buffer);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
