import { hasBasicAuth } from '../basic-auth.ts';
import { ImportedNumbers } from '../imported-numbers.ts';
import type {
  CallInstruction,
  Provider,
  ProviderCapabilities,
  WebhookRequest,
  WebhookResponse,
} from '../provider.ts';
import { type FreeswitchConfig, readFreeswitchConfig } from './freeswitch-config.ts';
import { renderEmptyWork, renderHttapiCall, renderXmlCurlCall } from './freeswitch-instructions.ts';
import { parseFreeswitchWebhook } from './freeswitch-webhooks.ts';

const CAPABILITIES: ProviderCapabilities = {
  answer: 'in_response',
  // The call record at the end is all that it posts by itself.
  statusCallbacks: false,
  messages: false,
  messageRelay: 'none',
  recording: false,
  maxDuration: true,
  collectPin: false,
  attestation: false,
  rejectUnanswered: true,
  provisioning: 'none',
  authenticityFactors: ['secret_path', 'basic_auth'],
};

/** A FreeSWITCH that asks with mod_xml_curl or mod_httapi: docs/providers/freeswitch.md. @throws Error on a bad config */
export function createFreeswitchProvider(config: FreeswitchConfig): Provider {
  return new FreeswitchProvider(readFreeswitchConfig(config));
}

class FreeswitchProvider extends ImportedNumbers implements Provider {
  readonly capabilities = CAPABILITIES;
  readonly parseWebhook = parseFreeswitchWebhook;
  readonly renderMessage = renderEmptyWork;
  readonly renderAcknowledgement = renderEmptyWork;
  readonly #config: FreeswitchConfig;

  constructor(config: FreeswitchConfig) {
    super('A FreeSWITCH');
    this.#config = config;
  }

  isAuthentic(request: WebhookRequest): boolean {
    const { password, previousPassword } = this.#config;
    return hasBasicAuth(request, 'freeswitch', [password, previousPassword]);
  }

  renderCall(instruction: CallInstruction): WebhookResponse {
    const render = this.#config.module === 'httapi' ? renderHttapiCall : renderXmlCurlCall;
    return render(instruction, this.#config);
  }
}
