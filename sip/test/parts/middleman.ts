import { once } from 'node:events';
import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** What stands between the edge and Maskline does: forwards, or behaves as a broken service would. */
export type Mood = (request: IncomingMessage, body: Buffer, response: ServerResponse) => void | Promise<void>;

export interface Seen {
  readonly path: string;
  readonly body: Record<string, unknown>;
}

/** An HTTP server in front of Maskline, whose temper a test sets. */
export class Middleman {
  mood: Mood | null = null;
  readonly seen: Seen[] = [];
  /** how often the edge has connected */
  connections = 0;
  readonly #agent = new Agent({ keepAlive: true });
  #server: Server | null = null;

  async start(upstream: string): Promise<string> {
    this.#server = createServer((incoming, response) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const body = Buffer.concat(chunks);
        this.seen.push({ path: incoming.url ?? '', body: JSON.parse(body.toString() || '{}') });
        if (this.mood) void this.mood(incoming, body, response);
        else this.forward(upstream, incoming, body, response);
      });
    });
    this.#server.on('connection', () => void this.connections++);
    this.#upstream = upstream;
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #upstream = '';

  /** Passes a request on, now or after a while. */
  pass(incoming: IncomingMessage, body: Buffer, response: ServerResponse): void {
    this.forward(this.#upstream, incoming, body, response);
  }

  forward(upstream: string, incoming: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const { method, headers, url } = incoming;
    const onward = request(upstream + (url ?? ''), { method, headers, agent: this.#agent }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    onward.end(body);
  }

  /** What the edge has reported, taken or not. */
  reports(): Record<string, unknown>[] {
    return this.seen
      .filter((each) => each.path.endsWith('/status'))
      .flatMap((each) => each.body.reports as Record<string, unknown>[]);
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    this.#server?.closeAllConnections();
    this.#server?.close();
  }
}
