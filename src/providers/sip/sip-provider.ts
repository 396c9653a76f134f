import { ImportedNumbers } from '../imported-numbers.ts';
import type { Provider, ProviderCapabilities, WebhookRequest } from '../provider.ts';
import { readSipConfig, type SipConfig } from './sip-config.ts';
import { renderSipAcknowledgement, renderSipCall, renderSipMessage } from './sip-instructions.ts';
import { parseSipWebhook, sipAuthenticator } from './sip-webhooks.ts';

const CAPABILITIES: ProviderCapabilities = {
  answer: 'in_response',
  statusCallbacks: true,
  messages: true,
  messageRelay: 'in_response',
  recording: false,
  maxDuration: true,
  collectPin: false,
  attestation: true,
  rejectUnanswered: true,
  provisioning: 'none',
  authenticityFactors: ['secret_path', 'basic_auth'],
};

/** A SIP edge of one's own, such as the one in `sip/`: docs/providers/sip.md. @throws Error on a bad config */
export function createSipProvider(config: SipConfig): Provider {
  return new SipProvider(readSipConfig(config));
}

class SipProvider extends ImportedNumbers implements Provider {
  readonly capabilities = CAPABILITIES;
  readonly parseWebhook = parseSipWebhook;
  readonly renderCall = renderSipCall;
  readonly renderMessage = renderSipMessage;
  readonly renderAcknowledgement = renderSipAcknowledgement;
  readonly #isAuthentic: (request: WebhookRequest) => boolean;

  constructor(config: SipConfig) {
    super('A SIP trunk');
    this.#isAuthentic = sipAuthenticator(config);
  }

  isAuthentic(request: WebhookRequest): boolean {
    return this.#isAuthentic(request);
  }
}
