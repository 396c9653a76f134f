import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../src/lib/clock.ts';
import type { Random } from '../../src/lib/random.ts';
import { AccountWebhooks, type SimulatorAccount } from './account-webhooks.ts';
import { createCallRecords } from './call-records.ts';
import { CallSwitch } from './call-switch.ts';
import { Faults } from './faults.ts';
import { LiveCalls } from './live-calls.ts';
import { createMessageRecords } from './message-records.ts';
import { MessageRelay } from './message-relay.ts';
import { NumberCatalogue } from './number-catalogue.ts';
import { createNumberRecords, type NumberWebhooks } from './number-records.ts';
import { NumberStock } from './number-stock.ts';
import { Phones } from './phones.ts';
import { StatusCallbacks } from './status-callbacks.ts';
import type { WebhookSender } from './webhook-sender.ts';

/** How long callbacks that are on their way may still take when the exchange stops. */
const STOP_GRACE_MS = 2_000;

export interface ExchangeOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** from `openStateDatabase`; the exchange does not close it */
  readonly database: DatabaseSync;
  readonly account: SimulatorAccount;
  readonly webhookSender: WebhookSender;
  /** one line without phone numbers for each thing that went wrong */
  readonly log?: (line: string) => void;
}

/**
 * The operator without its HTTP interface. It reaches the world through four things that are handed in, so a
 * simulation can drive it on a clock that stands still and with webhooks that are plain functions.
 */
export class Exchange {
  readonly numbers: NumberStock;
  readonly calls: CallSwitch;
  readonly messages: MessageRelay;
  readonly phones: Phones;
  readonly faults: Faults;
  readonly #webhooks: AccountWebhooks;
  readonly #callbacks: StatusCallbacks;
  readonly #clock: Clock;

  constructor(options: ExchangeOptions) {
    const { clock, random, database, account, webhookSender: sender } = options;
    const log = options.log ?? (() => undefined);
    const callRecords = createCallRecords(database);
    const messageRecords = createMessageRecords(database);
    const faults = new Faults(random);
    const webhooks = new AccountWebhooks({ clock, account, faults, sender, log });
    const callbacks = new StatusCallbacks({
      clock,
      random,
      faults,
      log,
      report: (url, report) => webhooks.report(url, report),
    });
    const numbers = new NumberStock({
      clock,
      random,
      faults,
      catalogue: new NumberCatalogue(),
      records: createNumberRecords(database),
      defaultWebhooks: defaultWebhooks(account.webhookBase),
    });
    const phones = new Phones(callRecords, messageRecords);
    const live = new LiveCalls({ clock, records: callRecords, phones, callbacks });
    const common = { clock, random, numbers, webhooks, log };
    this.numbers = numbers;
    this.phones = phones;
    this.faults = faults;
    this.calls = new CallSwitch({ ...common, live, faults });
    this.messages = new MessageRelay({ ...common, phones, records: messageRecords });
    this.#webhooks = webhooks;
    this.#callbacks = callbacks;
    this.#clock = clock;
    live.endInterrupted();
  }

  /** Resolves when no status callback waits any more. */
  callbacksDelivered(): Promise<void> {
    return this.#callbacks.idle();
  }

  /** Ends every call, lets callbacks out for up to two seconds, and drops what is left. */
  async stop(): Promise<void> {
    this.calls.close();
    const cutOff = this.#clock.after(STOP_GRACE_MS, () => this.#webhooks.stop());
    await this.#callbacks.stop(STOP_GRACE_MS);
    cutOff.cancel();
    this.#webhooks.stop();
  }
}

function defaultWebhooks(base: string): NumberWebhooks {
  const trimmed = base.replace(/\/+$/, '');
  return {
    answerUrl: `${trimmed}/answer`,
    statusUrl: `${trimmed}/status`,
    messageUrl: `${trimmed}/message`,
  };
}
