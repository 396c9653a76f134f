import { backoffDelayMs } from '../../src/lib/backoff.ts';
import { type Clock, pause } from '../../src/lib/clock.ts';
import type { Random } from '../../src/lib/random.ts';
import type { ReportOutcome, StatusReport } from './account-webhooks.ts';
import type { Faults } from './faults.ts';

/** Attempts after the first, 1 s, 2 s and 4 s apart (each drawn between half and all of it). */
const RETRIES = 3;
const RETRY_BACKOFF = { firstDelayMs: 1_000, maxDelayMs: 4_000 };
/** With `reorderCallbacks` a callback waits this long for the next one of its call to overtake it. */
const REORDER_WAIT_MS = 5_000;
/** Over all calls. Three callbacks a call, so about 7,000 calls that a dead receiver keeps waiting. */
const WAITING_MAXIMUM = 20_000;

interface CallQueue {
  readonly url: string;
  readonly waiting: StatusReport[];
  /** ends the wait for a callback that may overtake */
  wake: () => void;
}

export interface StatusCallbacksOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly faults: Faults;
  readonly report: (url: string, report: StatusReport) => Promise<ReportOutcome>;
  readonly log: (line: string) => void;
}

/**
 * Tells the account how its calls go on: in order within a call, independently between calls, again after a
 * failure, and never in the way of the call itself. What waits here is lost when the process is killed.
 */
export class StatusCallbacks {
  readonly #options: StatusCallbacksOptions;
  readonly #queues = new Map<string, CallQueue>();
  readonly #stopping = new AbortController();
  #waiting = 0;
  #whenIdle: (() => void)[] = [];

  constructor(options: StatusCallbacksOptions) {
    this.#options = options;
  }

  enqueue(url: string, report: StatusReport): void {
    if (this.#waiting >= WAITING_MAXIMUM) {
      this.#options.log(`${report.callId}: ${report.event} dropped, ${WAITING_MAXIMUM} callbacks wait`);
      return;
    }
    this.#waiting++;
    const running = this.#queues.get(report.callId);
    if (running) {
      running.waiting.push(report);
      running.wake();
      return;
    }
    const queue: CallQueue = { url, waiting: [report], wake: noWait };
    this.#queues.set(report.callId, queue);
    void this.#deliverAll(report.callId, queue);
  }

  /** Resolves when nothing waits any more. */
  idle(): Promise<void> {
    if (this.#queues.size === 0) return Promise.resolve();
    return new Promise((resolve) => void this.#whenIdle.push(resolve));
  }

  /** Waits up to `graceMs` for what is on its way, then drops the rest. */
  async stop(graceMs: number): Promise<void> {
    const timer = this.#options.clock.after(graceMs, () => this.#drop());
    if (graceMs === 0) this.#drop();
    await this.idle();
    timer.cancel();
    this.#drop();
  }

  #drop(): void {
    this.#stopping.abort();
    for (const queue of this.#queues.values()) queue.wake();
  }

  async #deliverAll(callId: string, queue: CallQueue): Promise<void> {
    for (let next = queue.waiting.shift(); next; next = queue.waiting.shift()) {
      if (this.#options.faults.settings.reorderCallbacks && next.event !== 'ended') {
        await this.#letOvertake(queue);
      }
      await this.#deliver(queue.url, next);
    }
    this.#queues.delete(callId);
    if (this.#queues.size > 0) return;
    const whenIdle = this.#whenIdle;
    this.#whenIdle = [];
    for (const wake of whenIdle) wake();
  }

  async #letOvertake(queue: CallQueue): Promise<void> {
    if (queue.waiting.length === 0 && !this.#stopping.signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = this.#options.clock.after(REORDER_WAIT_MS, resolve);
        queue.wake = () => {
          timer.cancel();
          resolve();
        };
      });
      queue.wake = noWait;
    }
    const overtaking = queue.waiting.shift();
    if (overtaking) await this.#deliver(queue.url, overtaking);
  }

  async #deliver(url: string, report: StatusReport): Promise<void> {
    const { clock, faults } = this.#options;
    const { callbackDelayMs, duplicateCallbacks } = faults.settings;
    if (!faults.strikes('loseCallbacks')) {
      for (let copy = 0; copy <= duplicateCallbacks; copy++) {
        if (callbackDelayMs > 0) await pause(clock, callbackDelayMs, this.#stopping.signal);
        await this.#deliverCopy(url, report);
      }
    }
    this.#waiting--;
  }

  async #deliverCopy(url: string, report: StatusReport): Promise<void> {
    const { clock, random, log } = this.#options;
    for (let attempt = 0; attempt <= RETRIES && !this.#stopping.signal.aborted; attempt++) {
      const outcome = await this.#options.report(url, report);
      if (outcome === 'delivered') return;
      if (outcome === 'refused' || attempt === RETRIES) {
        log(`${report.callId}: ${report.event} given up, ${outcome} after ${attempt + 1} attempts`);
        return;
      }
      await pause(clock, backoffDelayMs(attempt, RETRY_BACKOFF, random), this.#stopping.signal);
    }
  }
}

function noWait(): void {}
