import type { DatabaseSync } from 'node:sqlite';
import { Exchange } from '../../simulator/exchange/exchange.ts';
import { OperatorError } from '../../simulator/exchange/operator-error.ts';
import { openStateDatabase } from '../../simulator/exchange/state-database.ts';
import type { WebhookSender } from '../../simulator/exchange/webhook-sender.ts';
import { toVirtualNumber, type VirtualNumber } from '../../src/domain/virtual-number.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Random } from '../../src/lib/random.ts';
import { type NumberHeld, type Provider, ProviderError } from '../../src/providers/provider.ts';
import { createSimulatorProvider } from '../../src/providers/simulator/simulator-provider.ts';
import type { ReplicaLife } from './replica-life.ts';

const CAPABILITIES = ['voice', 'sms'] as const;

/** A telecom operator with one account of ours: the exchange of `simulator/`, without its HTTP. */
export class Operator {
  readonly account: string;
  readonly country: string;
  readonly accountId: string;
  readonly pathSecret: string;
  readonly webhookBase: string;
  readonly sharedSecret: string;
  readonly exchange: Exchange;
  readonly #database: DatabaseSync;

  constructor(
    account: string,
    country: string,
    deps: { clock: Clock; random: Random; sender: WebhookSender },
  ) {
    this.account = account;
    this.country = country;
    this.accountId = `acc_${account}`;
    this.pathSecret = `path-secret-of-${account}`;
    this.sharedSecret = `the-shared-secret-of-the-account-${account}`;
    this.webhookBase = `http://maskline.example/webhooks/${this.accountId}/${this.pathSecret}`;
    this.#database = openStateDatabase(null);
    this.exchange = new Exchange({
      clock: deps.clock,
      random: deps.random,
      database: this.#database,
      account: { webhookBase: this.webhookBase, sharedSecret: this.sharedSecret },
      webhookSender: deps.sender,
    });
  }

  heldNumbers(): string[] {
    const faults = this.exchange.faults.settings;
    this.exchange.faults.replace({});
    const { held } = this.exchange.numbers.list('', 10_000);
    this.exchange.faults.replace(faults);
    return held.map((one) => one.virtualNumber);
  }

  close(): void {
    this.#database.close();
  }
}

export interface ProviderWatch {
  /** called when a purchase reaches the operator, before anything is sold */
  purchaseAsked(operator: Operator, virtualNumber: VirtualNumber): Promise<void>;
  giveBackAsked(operator: Operator, virtualNumber: VirtualNumber): Promise<void>;
}

/** The operator as one replica sees it: the adapter's own webhooks, and its REST calls as gates and faults. */
export function createOperatorProvider(
  operator: Operator,
  life: ReplicaLife,
  watch: ProviderWatch,
): Provider {
  const { exchange } = operator;
  const config = { baseUrl: 'http://operator.example', sharedSecret: operator.sharedSecret };
  const adapter = createSimulatorProvider(config, { clock: life.clock });

  async function ask<T>(point: string, work: () => T | Promise<T>): Promise<T> {
    await life.pass(`before ${point}`);
    await life.mayDie(`before ${point}`);
    if (life.strikes('providerError', `before ${point}`)) throw lost('no answer');
    let result: T;
    try {
      result = await work();
    } catch (error) {
      throw error instanceof OperatorError ? translated(error) : error;
    }
    await life.mayDie(`after ${point}`);
    await life.pass(`after ${point}`);
    if (life.strikes('providerError', `after ${point}`)) throw lost('the answer was lost');
    return result;
  }

  return {
    capabilities: adapter.capabilities,
    isAuthentic: (request) => adapter.isAuthentic(request),
    parseWebhook: (kind, request) => adapter.parseWebhook(kind, request),
    renderCall: (instruction, urls) => adapter.renderCall(instruction, urls),
    renderMessage: (instruction, urls) => adapter.renderMessage(instruction, urls),
    renderAcknowledgement: () => adapter.renderAcknowledgement(),
    // Two operators never sell the same number, so each has a country of its own, whatever the pool says.
    searchNumbers: ({ limit }) =>
      ask('search', () =>
        exchange.numbers.search(operator.country, limit).map((one) => ({
          virtualNumber: known(one.virtualNumber),
          capabilities: CAPABILITIES,
        })),
      ),
    provisionNumber: (virtualNumber, urls) =>
      ask('provision', async () => {
        await watch.purchaseAsked(operator, virtualNumber);
        const webhooks = { answerUrl: urls.answer, statusUrl: urls.status, messageUrl: urls.message };
        const { held, heardOf } = exchange.numbers.sell(virtualNumber, webhooks);
        if (!heardOf) {
          life.reached.count('purchase whose answer was lost');
          throw lost('the answer was lost');
        }
        return toHeld(held);
      }),
    readWebhooks: (held) =>
      ask('configure', () => {
        const { answerUrl, statusUrl, messageUrl } = exchange.numbers.configure(held.virtualNumber, {});
        return { answerUrl, statusUrl, messageUrl };
      }),
    configureNumber: (held, change) =>
      ask('configure', () => {
        if (!('urls' in change)) return null;
        const { answer, status, message } = change.urls;
        const webhooks = { answerUrl: answer, statusUrl: status, messageUrl: message };
        const { answerUrl, statusUrl, messageUrl } = exchange.numbers.configure(held.virtualNumber, webhooks);
        return { answerUrl, statusUrl, messageUrl };
      }),
    decommissionNumber: ({ virtualNumber }) =>
      ask('decommission', async () => {
        await watch.giveBackAsked(operator, virtualNumber);
        if (exchange.numbers.find(virtualNumber)) exchange.numbers.takeBack(virtualNumber);
      }),
    listNumbers: () => ask('list', () => exchange.numbers.list('', 10_000).held.map(toHeld)),
    fetchCallEnd: (callId) =>
      ask('fetch call end', () => {
        const call = findCall(exchange, callId);
        if (!call || call.endedAt === null) return null;
        return {
          status: 'ended' as const,
          at: call.endedAt,
          termination: call.termination ?? 'failed',
          durationSeconds: call.durationSeconds,
          nativeCause: null,
        };
      }),
  };
}

export function findCall(exchange: Exchange, callId: string): ReturnType<Exchange['calls']['find']> | null {
  try {
    return exchange.calls.find(callId);
  } catch (error) {
    if (error instanceof OperatorError) return null;
    throw error;
  }
}

function toHeld(held: { virtualNumber: string; numberId: string }): NumberHeld {
  return {
    virtualNumber: known(held.virtualNumber),
    providerNumberId: held.numberId,
    capabilities: CAPABILITIES,
  };
}

function known(text: string): VirtualNumber {
  const number = toVirtualNumber(text);
  if (!number) throw new Error('The exchange sells something that is no number.');
  return number;
}

function lost(why: string): ProviderError {
  return new ProviderError('unavailable', `The operator: ${why}.`);
}

function translated(error: OperatorError): ProviderError {
  if (error.code === 'NUMBER_NOT_AVAILABLE' || error.code === 'NUMBER_NOT_ON_SALE') {
    return new ProviderError('number_not_available', 'The number went to somebody else.');
  }
  return lost(error.code);
}
