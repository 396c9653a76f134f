import type { ServerResponse } from 'node:http';
import type { Clock, TimerHandle } from '../../src/lib/clock.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { PhoneCall, PhoneEvent, PhoneMessage, PhoneView } from '../exchange/phones.ts';
import { rfc3339 } from './rfc3339.ts';
import { PhonePath } from './schemas.ts';
import type { SimulatorApp } from './typed-app.ts';

/** Shorter than the minute after which proxies and phones drop a silent connection. */
const HEARTBEAT_MS = 15_000;
/** A watcher that lets this much pile up is cut off; it reconnects and gets a fresh snapshot. */
const UNREAD_BYTES_MAXIMUM = 1024 * 1024;

export function addPhoneRoutes(app: SimulatorApp, exchange: Exchange, clock: Clock): void {
  app.get('/phones/:e164', { schema: { params: PhonePath } }, (request) =>
    toViewBody(exchange.phones.view(request.params.e164)),
  );

  app.get('/phones/:e164/events', { schema: { params: PhonePath } }, (request, reply) => {
    const phone = request.params.e164;
    const stream = new EventStream(reply.raw, clock);
    const unwatch = exchange.phones.watch(phone, (event) => stream.send(event.kind, toEventBody(event)));
    reply.hijack();
    stream.open(unwatch);
    stream.send('snapshot', toViewBody(exchange.phones.view(phone)));
  });
}

/** One server-sent event stream: opened once, kept alive by comments, closed by the other side. */
class EventStream {
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  #heartbeat: TimerHandle | null = null;

  constructor(response: ServerResponse, clock: Clock) {
    this.#response = response;
    this.#clock = clock;
  }

  open(onClose: () => void): void {
    this.#response.on('close', () => {
      this.#heartbeat?.cancel();
      onClose();
    });
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    this.#response.write('retry: 1000\n\n');
    this.#beat();
  }

  send(event: string, body: object): void {
    this.#write(`event: ${event}\ndata: ${JSON.stringify(body)}\n\n`);
  }

  #beat(): void {
    this.#heartbeat = this.#clock.after(HEARTBEAT_MS, () => {
      this.#write(': still here\n\n');
      this.#beat();
    });
  }

  #write(text: string): void {
    if (this.#response.writableLength > UNREAD_BYTES_MAXIMUM) this.#response.destroy();
    else this.#response.write(text);
  }
}

function toViewBody(view: PhoneView) {
  return {
    phone: view.phone,
    calls: view.calls.map(toCallBody),
    messages: view.messages.map(toMessageBody),
  };
}

function toEventBody(event: PhoneEvent) {
  return event.kind === 'call' ? toCallBody(event.call) : toMessageBody(event.message);
}

function toCallBody(call: PhoneCall) {
  return {
    ...call,
    startedAt: rfc3339(call.startedAt),
    answeredAt: rfc3339(call.answeredAt),
    endedAt: rfc3339(call.endedAt),
  };
}

function toMessageBody(message: PhoneMessage) {
  return { ...message, at: rfc3339(message.at) };
}
