import type { IncomingMessage, ServerResponse } from 'node:http';
import type { App } from '../../app/app.ts';
import { MasklineError } from '../../domain/errors.ts';
import type { WebhookKind, WebhookResponse } from '../../providers/provider.ts';
import { SampledLog } from '../../observe/sampled-log.ts';
import { drainBody } from '../drain-body.ts';
import { toProblem } from '../map-error.ts';
import { PROBLEM_CONTENT_TYPE, type Problem } from '../problem.ts';
import { requestIdOf } from '../request-id.ts';
import { authenticateWebhook, findWebhookAccount } from './authenticate-webhook.ts';
import { type BodyOutcome, readBody } from './read-body.ts';
import { LoopLag } from './loop-lag.ts';
import { receiveWebhook, refuseForLoad } from './receive-webhook.ts';
import { ANSWER_SHEDDING, REPORT_SHEDDING, ShedLoad } from './shed-load.ts';
import { senderAddressReader } from './sender-address.ts';
import { toWebhookRequest } from './webhook-request.ts';
import { readWebhookPath, WEBHOOK_ROUTE, type WebhookPath } from './webhook-path.ts';
import { writeAnswer } from './write-answer.ts';

export interface WebhookHandlerOptions {
  /** scheme, host and port under which providers reach this server, without a slash at the end */
  readonly publicUrl: string;
  readonly trustedProxies: readonly string[];
  /** a longer body is refused */
  readonly bodyBytes: number;
  /** whether requests that lie unread while the processor is busy count as waiting; not with a clock moved by hand */
  readonly watchesLoop?: boolean;
}

/**
 * Answers webhooks on plain `node:http`, beside the framework and not through it: a caller waits on the line, and the
 * framework's share of an answer was as large as all the rest. What the framework gives every other answer (limits,
 * request id, headers, problems, metrics) is here for these, and the tests of webhooks say so.
 *
 * A webhook that is answered well is logged at `debug`: it has its call record and is in the metrics, and a line for
 * each would cost a tenth of the throughput. Any other is logged at `info`.
 */
export class WebhookHandler {
  readonly #app: App;
  readonly #options: WebhookHandlerOptions;
  readonly #senderAddress: (raw: IncomingMessage) => string;
  readonly #refusals: SampledLog;
  readonly #failures: SampledLog;
  readonly #answers: ShedLoad;
  readonly #reports: ShedLoad;
  readonly #loopLag: LoopLag;
  #closing = false;

  constructor(app: App, options: WebhookHandlerOptions) {
    this.#app = app;
    this.#options = options;
    this.#senderAddress = senderAddressReader(options.trustedProxies);
    this.#refusals = new SampledLog(app.clock, REFUSALS_LOGGED_A_SECOND);
    this.#failures = new SampledLog(app.clock, REFUSALS_LOGGED_A_SECOND);
    this.#answers = new ShedLoad(ANSWER_SHEDDING, app.clock);
    this.#reports = new ShedLoad(REPORT_SHEDDING, app.clock);
    this.#loopLag = new LoopLag(app.clock);
  }

  get closing(): boolean {
    return this.#closing;
  }

  /** Requests come from now on. */
  listen(): void {
    if (this.#options.watchesLoop === true) this.#loopLag.start();
  }

  /** From now on every answer ends its connection. */
  close(): void {
    this.#closing = true;
    this.#loopLag.stop();
  }

  /** Answers the request if it is a webhook; false leaves it untouched to somebody else. */
  take(raw: IncomingMessage, response: ServerResponse): boolean {
    const path = raw.method === 'POST' || raw.method === 'GET' ? readWebhookPath(raw.url ?? '') : null;
    if (!path) return false;
    const { clock, random } = this.#app;
    const requestId = requestIdOf(raw.headers['x-request-id'], clock, random);
    const waitedMs = this.#loopLag.waitedMs();
    void this.#answer({ raw, response, path, requestId, startedAt: clock.now(), waitedMs });
    return true;
  }

  async #answer(exchange: Exchange): Promise<void> {
    try {
      const answered = await this.#receive(exchange);
      if (answered !== 'gone') this.#finish(exchange, answered);
    } catch (error) {
      const problem = toProblem(error);
      this.#noteFailure(exchange, problem, error);
      this.#refuse(exchange, problem);
    }
  }

  /** What costs least comes first: a flood is sent away before its bodies are read, let alone its signatures. */
  async #receive({ raw, path, startedAt, waitedMs }: Exchange): Promise<WebhookResponse | 'gone'> {
    const account = await findWebhookAccount(this.#app, path);
    const shed = path.kind === 'answer' ? this.#answers : this.#reports;
    if (shed.isFull(waitedMs)) return refuseForLoad(this.#app, account, path.kind);
    const outcome = await this.#readBody(raw);
    if (outcome.kind === 'gone') return 'gone';
    if (outcome.kind === 'too_large') {
      await drainBody(raw);
      throw new MasklineError('MASK_BODY_TOO_LARGE', TOO_LARGE);
    }
    const address = this.#senderAddress(raw);
    const request = toWebhookRequest(raw, outcome.body, this.#options.publicUrl, address);
    authenticateWebhook(this.#app, account, request);
    // With what it took to find the account and to read the body: the caller has waited since the request came.
    const gone = waitedMs + Math.max(0, this.#app.clock.now() - startedAt);
    const received = await shed.admit(
      () => receiveWebhook(this.#app, account, path.kind, request, gone),
      waitedMs,
    );
    return received ?? refuseForLoad(this.#app, account, path.kind);
  }

  #readBody(raw: IncomingMessage): Promise<BodyOutcome> {
    return new Promise((resolve) => readBody(raw, this.#options.bodyBytes, resolve));
  }

  #refuse(exchange: Exchange, problem: Problem): void {
    const body = JSON.stringify(problem);
    this.#finish(exchange, { status: problem.status, contentType: PROBLEM_CONTENT_TYPE, body });
  }

  #finish(exchange: Exchange, answered: WebhookResponse): void {
    const { raw, response, path, requestId, startedAt } = exchange;
    writeAnswer(response, answered, { requestId, closing: this.#closing });
    const { method = '' } = raw;
    const { status } = answered;
    const route = ROUTES[path.kind];
    const ms = this.#app.clock.now() - startedAt;
    this.#app.metrics.httpSeconds.observe({ method, route, status }, ms / 1_000);
    const fields = { requestId, method, route, status, ms };
    if (status < 300) this.#app.log.debug(fields, 'A webhook was answered.');
    else this.#noteRefusal(fields);
  }

  /** Forged ones may come by thousands a second; the metrics count them all. */
  #noteRefusal(fields: object): void {
    const sampled = this.#refusals.admit();
    if (sampled) this.#app.log.info({ ...fields, ...sampled }, 'A webhook was refused.');
  }

  /** As elsewhere: ERROR only for what we did wrong. */
  #noteFailure({ path, requestId }: Exchange, { code }: Problem, error: unknown): void {
    const fields = { requestId, route: ROUTES[path.kind], code, error };
    if (code === 'MASK_INTERNAL') this.#app.log.error(fields, 'A webhook failed.');
    else if (code === 'MASK_DEPENDENCY_UNAVAILABLE') {
      const sampled = this.#failures.admit();
      if (sampled) this.#app.log.warn({ ...fields, ...sampled }, 'A dependency did not answer.');
    }
  }
}

interface Exchange {
  readonly raw: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: WebhookPath;
  readonly requestId: string;
  readonly startedAt: number;
  /** that it may have lain unread before */
  readonly waitedMs: number;
}

const REFUSALS_LOGGED_A_SECOND = 10;
const TOO_LARGE = 'Send less. The limit is in the API document.';
const ROUTES: Readonly<Record<WebhookKind, string>> = {
  answer: `${WEBHOOK_ROUTE}answer`,
  status: `${WEBHOOK_ROUTE}status`,
  message: `${WEBHOOK_ROUTE}message`,
};
