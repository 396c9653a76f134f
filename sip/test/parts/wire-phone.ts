import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { until } from '../../../test/system/product.ts';
import { EDGE, type Party } from './party.ts';

/** A UDP socket on a party's address: it hears everything, and says whatever a test wants. */
export class WirePhone {
  readonly heard: Buffer[] = [];
  onMessage: ((text: string) => void) | null = null;
  readonly #socket: Socket;
  readonly address: string;
  readonly port: number;

  private constructor(socket: Socket, address: string, port: number) {
    this.#socket = socket;
    this.address = address;
    this.port = port;
    socket.on('message', (message) => {
      this.heard.push(message);
      this.onMessage?.(message.toString('latin1'));
    });
  }

  static async listen(party: Pick<Party, 'address'>, port = 5060): Promise<WirePhone> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 8 * 1024 * 1024 });
    socket.bind(port, party.address);
    await once(socket, 'listening');
    return new WirePhone(socket, party.address, port);
  }

  /** `\n` in the text becomes CRLF. */
  say(text: string | Buffer): void {
    const bytes = typeof text === 'string' ? Buffer.from(text.replace(/\r?\n/g, '\r\n'), 'latin1') : text;
    this.#socket.send(bytes, 5060, EDGE);
  }

  texts(): string[] {
    return this.heard.map((message) => message.toString('latin1'));
  }

  /** The final answer to a request, by its branch, and how long it took. */
  async ask(text: string, limitMs = 5_000): Promise<{ status: number; text: string; ms: number }> {
    const branch = /;branch=([^;\s]+)/.exec(text)?.[1] ?? '';
    const from = performance.now();
    let answer = '';
    let ms = 0;
    this.onMessage = (message) => {
      if (answer === '' && /^SIP\/2.0 [2-6]/.test(message) && message.includes(branch)) {
        answer = message;
        ms = performance.now() - from;
      }
    };
    this.say(text);
    // Over UDP a request is repeated until it is answered; the time counts from the first.
    const repeated = setInterval(() => this.say(text), 500);
    try {
      await until(`an answer to ${branch}`, () => answer !== '', limitMs);
    } finally {
      clearInterval(repeated);
      this.onMessage = null;
    }
    return { status: Number(answer.slice(8, 11)), text: answer, ms };
  }

  close(): void {
    this.#socket.close();
  }
}

let counter = 0;

export interface PlainInvite {
  readonly from: Party;
  readonly to: string;
  readonly callId?: string;
  readonly method?: string;
  readonly extra?: string;
  readonly port?: number;
}

/** A correct INVITE that says who calls where a trunk says so, and nothing more. */
export function plainInvite({
  from,
  to,
  method = 'INVITE',
  extra,
  callId,
  port = 5060,
}: PlainInvite): string {
  const id = callId ?? `${from.word}-${process.pid}-${counter++}`;
  const body = `v=0\r\no=- 1 1 IN IP4 ${from.address}\r\ns=-\r\nc=IN IP4 ${from.address}\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\n`;
  return `${method} sip:${to}@${EDGE} SIP/2.0
Via: SIP/2.0/UDP ${from.address}:${port};branch=z9hG4bK${id}
From: <sip:${from.number}@${from.address}>;tag=${id}
To: <sip:${to}@${EDGE}>
Call-ID: ${id}
CSeq: 1 ${method}
Max-Forwards: 70
Contact: <sip:${from.number}@${from.address}:${port}>
${extra ?? `P-Asserted-Identity: <sip:${from.number}@${from.address}>\n`}Content-Type: application/sdp
Content-Length: ${body.length}

${body}`;
}
