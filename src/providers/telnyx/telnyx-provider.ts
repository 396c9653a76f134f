import type { Clock } from '../../lib/clock.ts';
import type {
  MessageInstruction,
  NumberHeld,
  ParsedWebhook,
  Provider,
  ProviderCapabilities,
  WebhookKind,
  WebhookRequest,
  WebhookUrls,
} from '../provider.ts';
import { SendOnce } from '../send-once.ts';
import { IdBody, one, TelnyxApi } from './telnyx-api.ts';
import { TelnyxApplications } from './telnyx-applications.ts';
import { readTelnyxConfig, type TelnyxConfig } from './telnyx-config.ts';
import { renderTelnyxAcknowledgement, renderTelnyxCall, renderTelnyxMessage } from './telnyx-instructions.ts';
import { TelnyxNumbers } from './telnyx-numbers.ts';
import { isTelnyxWebhook } from './telnyx-signature.ts';
import { parseTelnyxWebhook } from './telnyx-webhooks.ts';

const CAPABILITIES: ProviderCapabilities = {
  answer: 'in_response',
  statusCallbacks: true,
  messages: true,
  messageRelay: 'by_command',
  // The callee would not hear the consent: there is no webhook for what is said to that side alone.
  recording: false,
  maxDuration: true,
  collectPin: true,
  attestation: true,
  rejectUnanswered: true,
  provisioning: 'asynchronous',
  authenticityFactors: ['signature', 'secret_path'],
};

/**
 * The adapter of Telnyx (TeXML, Messaging, Numbers).
 * @throws Error on a bad config
 */
export function createTelnyxProvider(
  account: { settings: unknown; credentials: unknown },
  options: { readonly clock: Clock },
): Provider {
  return new TelnyxProvider(readTelnyxConfig(account), options.clock);
}

class TelnyxProvider implements Provider {
  readonly capabilities = CAPABILITIES;
  readonly renderCall = renderTelnyxCall;
  readonly renderMessage = renderTelnyxMessage;
  readonly renderAcknowledgement = renderTelnyxAcknowledgement;
  readonly searchNumbers: Provider['searchNumbers'];
  readonly provisionNumber: Provider['provisionNumber'];
  readonly decommissionNumber: Provider['decommissionNumber'];
  readonly listNumbers: Provider['listNumbers'];
  readonly #config: TelnyxConfig;
  readonly #clock: Clock;
  readonly #api: TelnyxApi;
  readonly #numbers: TelnyxNumbers;
  readonly #texts = new SendOnce();

  constructor(config: TelnyxConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
    this.#api = new TelnyxApi(config, clock);
    const numbers = new TelnyxNumbers(this.#api, config, new TelnyxApplications(this.#api, config), clock);
    this.#numbers = numbers;
    this.searchNumbers = (search, signal) => numbers.search(search, signal);
    this.provisionNumber = (virtualNumber, urls, signal) => numbers.provision(virtualNumber, urls, signal);
    this.decommissionNumber = (held, signal) => numbers.decommission(held, signal);
    this.listNumbers = (signal) => numbers.list(signal);
  }

  isAuthentic(request: WebhookRequest): boolean {
    return isTelnyxWebhook(request, this.#config, this.#clock.now());
  }

  parseWebhook(kind: WebhookKind, request: WebhookRequest): ParsedWebhook {
    return parseTelnyxWebhook(kind, request, this.#clock.now());
  }

  readWebhooks(held: NumberHeld, signal: AbortSignal): Promise<unknown> {
    return this.#numbers.webhooks(held, signal);
  }

  configureNumber(
    held: NumberHeld,
    change: { readonly urls: WebhookUrls } | { readonly restore: unknown },
    signal: AbortSignal,
  ): Promise<unknown> {
    return this.#numbers.configure(held, change, signal);
  }

  async sendMessage(
    instruction: Extract<MessageInstruction, { decision: 'relay' }>,
    providerMessageId: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { destination, sender, body: text, mediaUrls = [] } = instruction;
    const words = text === '' ? {} : { text };
    const what =
      mediaUrls.length === 0 ? { text, type: 'SMS' } : { ...words, media_urls: mediaUrls, type: 'MMS' };
    const body = { from: sender, to: destination.reveal(), ...what };
    await this.#texts.run(providerMessageId, async () => {
      await this.#api.ask(one(IdBody), 'sending a text', 'POST', 'messages', signal, body);
    });
  }
}
