import { Agent, request } from 'node:http';
import { systemClock } from '../../../src/lib/clock.ts';
import { signatureHeaders } from '../../../simulator/exchange/webhook-signature.ts';

/** Of the provider account that test/production/seed.ts makes. */
const ACCOUNT_PATH = `/webhooks/simulator/acc_operator/${'p'.repeat(32)}`;
const SHARED_SECRET = 'a-shared-secret-of-the-tests-0123456789';
const SOCKETS_MAXIMUM = 500;

export interface WebhookReply {
  readonly status: number;
  readonly body: string;
  /** from the first byte sent to the last received */
  readonly ms: number;
}

/** Asks as the operator of the simulator does: signed, over kept connections. */
export class WebhookSender {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAXIMUM });

  /** @throws Error when no whole answer came within `limitMs` */
  send(port: number, kind: 'answer' | 'status', body: object, limitMs: number): Promise<WebhookReply> {
    const path = `${ACCOUNT_PATH}/${kind}`;
    const text = JSON.stringify(body);
    const from = performance.now();
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          agent: this.#agent,
          host: '127.0.0.1',
          port,
          path,
          method: 'POST',
          signal: AbortSignal.timeout(limitMs),
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(text),
            ...signatureHeaders(`http://127.0.0.1${path}`, text, SHARED_SECRET, systemClock.now()),
          },
        },
        (response) => {
          let received = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => (received += chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, body: received, ms: performance.now() - from }),
          );
        },
      );
      asked.on('error', reject);
      asked.end(text);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
