import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock, TimerHandle } from '../../../../src/lib/clock.ts';
import type { ChangeNotice } from '../api-types.ts';
import { DeliveryError } from '../problem.ts';

/** Streams open at once, over all pages. */
const STREAMS_MAXIMUM = 200;
/** Shorter than the idle time-outs of common proxies (60 s). */
const HEARTBEAT_MS = 15_000;
/** What a page may leave unread before it is cut off, in bytes; it comes back and asks for everything. */
const UNREAD_MAXIMUM = 64 * 1024;
/** How soon a page that lost its stream comes back. */
const RETRY_MS = 1_000;

/** The server-sent event streams of all open pages (HTML standard, section 9.2). */
export class EventStreams {
  readonly #clock: Clock;
  readonly #open = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Answers the request with a stream. `begin` gets the way to send a notice and returns what has to happen when
   * the stream is over.
   * @throws DeliveryError DELIVERY_TOO_MANY_STREAMS
   */
  open(
    request: FastifyRequest,
    reply: FastifyReply,
    begin: (send: (notice: ChangeNotice) => void) => () => void,
  ): void {
    if (this.#open.size >= STREAMS_MAXIMUM)
      throw new DeliveryError('DELIVERY_TOO_MANY_STREAMS', 'Close some pages and try again.');
    reply.hijack();
    const response = reply.raw;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const write = (text: string): void => {
      if (response.writableLength > UNREAD_MAXIMUM) close();
      else response.write(text);
    };
    let heartbeat: TimerHandle;
    const beat = (): void => {
      heartbeat = this.#clock.after(HEARTBEAT_MS, () => {
        write(': still here\n\n');
        beat();
      });
    };
    beat();
    write(`retry: ${RETRY_MS}\n\n`);
    const end = begin((notice) => write(`data: ${JSON.stringify(notice)}\n\n`));
    const close = (): void => {
      if (!this.#open.delete(close)) return;
      heartbeat.cancel();
      end();
      response.end();
    };
    this.#open.add(close);
    request.raw.once('close', close);
    response.once('close', close);
  }

  /** Ends every stream; pages come back when the server does. */
  closeAll(): void {
    for (const close of this.#open) close();
  }
}
