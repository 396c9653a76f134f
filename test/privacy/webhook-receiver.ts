import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Remains } from './leak-scan.ts';

/** Whoever subscribed to our events: keeps all that was sent, headers and bodies. */
export class WebhookReceiver {
  readonly received: Remains[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        const head = `${request.method} ${request.url} ${JSON.stringify(request.headers)}\n`;
        const { type } = JSON.parse(body.toString()) as { readonly type: string };
        this.received.push({
          place: `outgoing webhook ${type}`,
          bytes: Buffer.concat([Buffer.from(head), body]),
        });
        response.writeHead(204).end();
      });
    });
  }

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
