import type { Clock } from '../../lib/clock.ts';
import type {
  MessageInstruction,
  NumberHeld,
  Provider,
  ProviderCapabilities,
  WebhookRequest,
  WebhookUrls,
} from '../provider.ts';
import { SendOnce } from '../send-once.ts';
import { withoutPlus } from '../wire-number.ts';
import { SentBody, VonageApi } from './vonage-api.ts';
import { VonageApplications } from './vonage-applications.ts';
import { readVonageConfig, type VonageConfig } from './vonage-config.ts';
import { renderVonageAcknowledgement, renderVonageCall, renderVonageMessage } from './vonage-instructions.ts';
import { VonageNumbers } from './vonage-numbers.ts';
import { isUnsignedVonageWebhook, isVonageWebhook } from './vonage-signature.ts';
import { parseVonageWebhook } from './vonage-webhooks.ts';

const CAPABILITIES: ProviderCapabilities = {
  answer: 'in_response',
  statusCallbacks: true,
  messages: true,
  messageRelay: 'by_command',
  // The callee would not hear the consent: there is no webhook for what is said to that side alone.
  recording: false,
  maxDuration: true,
  collectPin: true,
  attestation: false,
  rejectUnanswered: false,
  provisioning: 'immediate',
  authenticityFactors: ['signature', 'secret_path'],
};

/**
 * The adapter of Vonage (Voice API with NCCOs, Messages API, Numbers API, Application API).
 * @throws Error on a bad config
 */
export function createVonageProvider(
  account: { settings: unknown; credentials: unknown },
  options: { readonly clock: Clock },
): Provider {
  return new VonageProvider(readVonageConfig(account), options.clock);
}

class VonageProvider implements Provider {
  readonly capabilities = CAPABILITIES;
  readonly renderCall = renderVonageCall;
  readonly renderMessage = renderVonageMessage;
  readonly renderAcknowledgement = renderVonageAcknowledgement;
  readonly parseWebhook = parseVonageWebhook;
  readonly isUnsigned = isUnsignedVonageWebhook;
  readonly searchNumbers: Provider['searchNumbers'];
  readonly provisionNumber: Provider['provisionNumber'];
  readonly decommissionNumber: Provider['decommissionNumber'];
  readonly listNumbers: Provider['listNumbers'];
  readonly #config: VonageConfig;
  readonly #clock: Clock;
  readonly #api: VonageApi;
  readonly #numbers: VonageNumbers;
  readonly #texts = new SendOnce();

  constructor(config: VonageConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
    this.#api = new VonageApi(config, clock);
    const numbers = new VonageNumbers(this.#api, config, new VonageApplications(this.#api, config));
    this.#numbers = numbers;
    this.searchNumbers = (search, signal) => numbers.search(search, signal);
    this.provisionNumber = (virtualNumber, urls, signal) => numbers.provision(virtualNumber, urls, signal);
    this.decommissionNumber = (held, signal) => numbers.decommission(held, signal);
    this.listNumbers = (signal) => numbers.list(signal);
  }

  isAuthentic(request: WebhookRequest): boolean {
    return isVonageWebhook(request, this.#config, this.#clock.now());
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
    const json = {
      channel: 'sms',
      message_type: 'text',
      to: withoutPlus(instruction.destination.reveal()),
      from: withoutPlus(instruction.sender),
      text: instruction.body,
      // Ours is the id of the text that came in: with it the two are found together in Vonage's reports.
      client_ref: providerMessageId,
    };
    const url = `${this.#config.apiUrl}/v1/messages`;
    await this.#texts.run(providerMessageId, async () => {
      await this.#api.ask(SentBody, 'sending a text', 'POST', url, signal, { json });
    });
  }
}
