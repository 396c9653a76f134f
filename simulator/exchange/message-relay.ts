import type { Clock } from '../../src/lib/clock.ts';
import { createId } from '../../src/lib/id.ts';
import type { Random } from '../../src/lib/random.ts';
import type { AccountWebhooks } from './account-webhooks.ts';
import type { DeliveredText, MessageRecord, MessageRecords, MessageState } from './message-records.ts';
import type { NumberHeld } from './number-records.ts';
import type { NumberStock } from './number-stock.ts';
import { OperatorError } from './operator-error.ts';
import type { Phones } from './phones.ts';

/** Messages that wait for the account's answer at one time. */
const WAITING_MAXIMUM = 5_000;

export interface SendParams {
  readonly from: string;
  readonly to: string;
  /** 1 to 1,600 characters, as long as ten concatenated texts */
  readonly body: string;
}

export interface MessageRelayOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly numbers: NumberStock;
  readonly records: MessageRecords;
  readonly phones: Phones;
  readonly webhooks: AccountWebhooks;
  readonly log: (line: string) => void;
}

interface Outcome {
  readonly state: MessageState;
  readonly delivered: DeliveredText | null;
}

const FAILED: Outcome = { state: 'failed', delivered: null };

/** Carries texts: asks the account what to deliver when one of its numbers is written to, and obeys. */
export class MessageRelay {
  readonly #options: MessageRelayOptions;
  #waiting = 0;

  constructor(options: MessageRelayOptions) {
    this.#options = options;
  }

  /** @throws OperatorError */
  async send(params: SendParams): Promise<MessageRecord> {
    const { clock, random, numbers, records, phones } = this.#options;
    if (this.#waiting >= WAITING_MAXIMUM) {
      throw new OperatorError('TOO_MANY_CALLS', 'The exchange is full. Try again later.');
    }
    numbers.noticePhone(params.from);
    const messageId = createId('msg', clock, random);
    const sentAt = clock.now();
    this.#waiting++;
    const outcome = await this.#carry(messageId, params).finally(() => this.#waiting--);
    const { from, to, body } = params;
    const message: MessageRecord = { messageId, from, to, body, ...outcome, sentAt };
    records.insert(message);
    if (outcome.delivered) numbers.noticePhone(outcome.delivered.to);
    phones.noticeMessage(message);
    return message;
  }

  async #carry(messageId: string, params: SendParams): Promise<Outcome> {
    const { numbers } = this.#options;
    const held = numbers.find(params.to);
    if (held) return this.#askAccount(messageId, held, params);
    if (numbers.isUnsold(params.to)) return FAILED;
    const { from, to, body } = params;
    return { state: 'delivered', delivered: { to, from, body } };
  }

  async #askAccount(messageId: string, held: NumberHeld, params: SendParams): Promise<Outcome> {
    const { numbers, webhooks, log } = this.#options;
    const answer = await webhooks.askAboutMessage(held.messageUrl, { messageId, ...params });
    if (answer === null) return FAILED;
    if (answer.action === 'drop') return { state: 'refused', delivered: null };
    if (!numbers.find(answer.from) || numbers.find(answer.to)) {
      log(`${messageId}: not delivered, the sender is not a number of the account or the recipient is`);
      return FAILED;
    }
    return { state: 'delivered', delivered: { to: answer.to, from: answer.from, body: answer.body } };
  }
}
