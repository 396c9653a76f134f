import { type Clock, pause } from '../../src/lib/clock.ts';
import type { Termination } from './call-record.ts';
import type { Faults } from './faults.ts';
import { type CallAnswer, type MessageAnswer, readCallAnswer, readMessageAnswer } from './webhook-answers.ts';
import type { WebhookResponse, WebhookSender } from './webhook-sender.ts';
import { signatureHeaders } from './webhook-signature.ts';

/** The customer of the operator: one account, which holds every number that is sold. */
export interface SimulatorAccount {
  /** numbers bought without URLs of their own are asked about at `…/answer`, `…/status` and `…/message` below */
  readonly webhookBase: string;
  /** the key of the signature */
  readonly sharedSecret: string;
  /** how long the operator waits for an answer; default 5,000 ms, as long as the strictest real ones do */
  readonly answerTimeoutMs?: number;
}

export const ANSWER_TIMEOUT_MS_DEFAULT = 5_000;
const STATUS_TIMEOUT_MS = 5_000;

export interface CallQuestion {
  readonly callId: string;
  /** E.164, or `anonymous` */
  readonly from: string;
  readonly to: string;
  readonly attestation?: 'A' | 'B' | 'C';
  /** what the caller keyed in after a `gather` */
  readonly digits?: string;
}

export interface MessageQuestion {
  readonly messageId: string;
  readonly from: string;
  readonly to: string;
  readonly body: string;
}

export interface StatusReport {
  readonly callId: string;
  readonly event: 'ringing' | 'answered' | 'ended';
  /** RFC 3339, UTC */
  readonly at: string;
  readonly termination?: Termination;
  readonly durationSeconds?: number;
  /** 1, 2, 3 … within a call */
  readonly sequence: number;
}

/** What became of one attempt to report: `refused` is a client error that another attempt would meet again. */
export type ReportOutcome = 'delivered' | 'refused' | 'unanswered';

export interface AccountWebhooksOptions {
  readonly clock: Clock;
  readonly account: SimulatorAccount;
  readonly faults: Faults;
  readonly sender: WebhookSender;
  readonly log: (line: string) => void;
}

/** Asks the account's webhooks and reads what they answer. Nothing here throws: no answer is null. */
export class AccountWebhooks {
  readonly #options: AccountWebhooksOptions;
  /** One for each request on its way. A shared signal would gather listeners for as long as the process lives. */
  readonly #underWay = new Set<AbortController>();
  #stopped = false;

  constructor(options: AccountWebhooksOptions) {
    this.#options = options;
  }

  async askAboutCall(url: string, question: CallQuestion): Promise<CallAnswer | null> {
    const text = await this.#ask(url, question, question.callId);
    const answer = text === null ? null : readCallAnswer(text);
    if (text !== null && answer === null)
      this.#options.log(`${question.callId}: the answer is no instruction`);
    return answer;
  }

  async askAboutMessage(url: string, question: MessageQuestion): Promise<MessageAnswer | null> {
    const text = await this.#ask(url, question, question.messageId);
    const answer = text === null ? null : readMessageAnswer(text);
    if (text !== null && answer === null) {
      this.#options.log(`${question.messageId}: the answer is no instruction`);
    }
    return answer;
  }

  async report(url: string, report: StatusReport): Promise<ReportOutcome> {
    const response = await this.#post(url, report, STATUS_TIMEOUT_MS, 0);
    if (response === null) return 'unanswered';
    if (response.status >= 200 && response.status < 300) return 'delivered';
    return response.status >= 400 && response.status < 500 && response.status !== 429
      ? 'refused'
      : 'unanswered';
  }

  /** Cuts off what is under way, and everything that is asked afterwards. */
  stop(): void {
    this.#stopped = true;
    for (const request of this.#underWay) request.abort();
  }

  async #ask(url: string, question: object, id: string): Promise<string | null> {
    const { account, faults, log } = this.#options;
    const timeoutMs = account.answerTimeoutMs ?? ANSWER_TIMEOUT_MS_DEFAULT;
    const response = await this.#post(url, question, timeoutMs, faults.settings.answerDelayMs);
    if (response === null) log(`${id}: no answer within ${timeoutMs} ms from ${originOf(url)}`);
    else if (response.status < 200 || response.status > 299)
      log(`${id}: ${originOf(url)} answered ${response.status}`);
    else return response.body;
    return null;
  }

  /** One attempt; null when there was no answer in time. */
  async #post(
    url: string,
    payload: object,
    timeoutMs: number,
    delayMs: number,
  ): Promise<WebhookResponse | null> {
    const { clock, account, sender } = this.#options;
    const body = JSON.stringify(payload);
    const headers = {
      'content-type': 'application/json',
      ...signatureHeaders(url, body, account.sharedSecret, clock.now()),
    };
    const request = new AbortController();
    this.#underWay.add(request);
    if (this.#stopped) request.abort();
    const timer = clock.after(timeoutMs, () => request.abort());
    try {
      const response = await settled(sender({ url, headers, body }, request.signal), request.signal);
      if (delayMs > 0) await pause(clock, delayMs, request.signal);
      return request.signal.aborted ? null : response;
    } catch {
      return null;
    } finally {
      timer.cancel();
      this.#underWay.delete(request);
    }
  }
}

/** Rejects as soon as the signal aborts, even when what is waited for does not heed it. */
function settled<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new Error('The deadline passed.'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Whom somebody who reads the log may have named wrongly, such as in MASKLINE_PUBLIC_URL; the path is a secret. */
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'an address that is none';
}
