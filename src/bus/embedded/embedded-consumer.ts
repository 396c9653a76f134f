import { type BackoffOptions, backoffDelayMs } from '../../lib/backoff.ts';
import { type Clock, pause } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { Signal } from '../../lib/signal.ts';
import type { BusLog, Consumer, Subscription } from '../bus.ts';
import type { GroupPosition } from './group-position.ts';
import type { MessageLog } from './message-log.ts';

/** How often a consumer looks by itself; other processes cannot wake it. */
const POLL_MS = 500;
/** After the first rejection about a second; never so long that a recovery would take more than 15 s. */
const RETRY: BackoffOptions = { firstDelayMs: 1_000, maxDelayMs: 10_000 };

export interface EmbeddedConsumerOptions {
  readonly subscription: Subscription;
  readonly batchSize: number;
  readonly messages: MessageLog;
  readonly position: GroupPosition;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: BusLog;
}

/** One consumer: takes a batch, has it handled, commits, and begins again. */
export class EmbeddedConsumer implements Consumer {
  /** raised when something was published, so that delivery does not wait for the next look */
  readonly wake = new Signal();
  readonly #options: EmbeddedConsumerOptions;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: EmbeddedConsumerOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    return this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random, log, position, subscription } = this.#options;
    const { topic, group } = subscription;
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const handled = await this.#round();
        failures = 0;
        if (!handled) await this.#waitForMessages();
      } catch (error) {
        const delayMs = backoffDelayMs(failures++, RETRY, random);
        log.warn({ error, topic, group, failures, delayMs }, 'a batch was not handled and comes again');
        await pause(clock, delayMs, signal);
      }
    }
    try {
      await position.release();
    } catch (error) {
      log.warn({ error, topic, group }, 'a consumer could not leave its group; the group waits up to 10 s');
    }
  }

  /** False when there is nothing to do now. */
  async #round(): Promise<boolean> {
    const { subscription, batchSize, messages, position, log } = this.#options;
    const { topic, group } = subscription;
    const next = await position.claim();
    if (next === null) return false;
    const batch = await messages.read(topic, next, batchSize);
    const last = batch.at(-1);
    if (!last) return false;
    await position.keepDuring(() => subscription.handle(batch, this.#stopping.signal));
    if (!(await position.commit(last.offset + 1n))) {
      log.warn({ topic, group }, 'another consumer of the group took over while a batch was being handled');
    }
    return true;
  }

  async #waitForMessages(): Promise<void> {
    const timer = this.#options.clock.after(POLL_MS, () => this.wake.raise());
    await this.wake.wait(this.#stopping.signal);
    timer.cancel();
  }
}
