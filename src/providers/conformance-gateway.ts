import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface OperatorRequest {
  readonly method: string;
  /** path with query */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface OperatorAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A fake operator, or the way to a simulated one. */
export type Operator = (request: OperatorRequest) => Promise<OperatorAnswer> | OperatorAnswer;

type Disturbance = {
  /** which requests it is for, when not simply the next one: those before it pass */
  readonly only?: (request: OperatorRequest) => boolean;
} /** this request passes, and the next disturbance is for the one after it */ & (
  | { readonly kind: 'none' }
  | { readonly kind: 'answer'; readonly answer: OperatorAnswer }
  /** the request arrives, and nothing comes back */
  | { readonly kind: 'silence' }
  /** the operator does what was asked, and its answer never arrives */
  | { readonly kind: 'lost_answer' }
);

/** The line between an adapter under test and its operator: one HTTP server that can be disturbed. */
export class OperatorGateway {
  readonly url: string;
  readonly requests: OperatorRequest[] = [];
  readonly #server: Server;
  readonly #disturbances: Disturbance[] = [];
  #arrivals: (() => void)[] = [];

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async start(operator: Operator): Promise<OperatorGateway> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const gateway = new OperatorGateway(server, `http://127.0.0.1:${port}`);
    server.on('request', (request, response) => void gateway.#pass(request, response, operator));
    return gateway;
  }

  /** What happens to the next request; those after it pass undisturbed, or meet the next disturbance. */
  disturb(disturbance: Disturbance): void {
    this.#disturbances.push(disturbance);
  }

  /** Resolves when the next request has arrived. */
  arrival(): Promise<void> {
    return new Promise((resolve) => void this.#arrivals.push(resolve));
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #pass(incoming: IncomingMessage, response: ServerResponse, operator: Operator): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = '', url: path = '', headers } = incoming;
    const request = { method, path, headers, body: Buffer.concat(chunks).toString('utf8') };
    this.requests.push(request);
    const next = this.#disturbances[0];
    const disturbance = (next?.only?.(request) ?? true) ? this.#disturbances.shift() : undefined;
    const arrivals = this.#arrivals;
    this.#arrivals = [];
    for (const arrived of arrivals) arrived();
    if (disturbance?.kind === 'silence') return;
    const answer = disturbance?.kind === 'answer' ? disturbance.answer : await operator(request);
    if (disturbance?.kind === 'lost_answer') {
      response.destroy();
      return;
    }
    response.writeHead(answer.status, answer.headers).end(answer.body);
  }
}
