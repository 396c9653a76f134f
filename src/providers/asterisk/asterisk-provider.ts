import Type, { type Static } from 'typebox';
import { hasBasicAuth } from '../basic-auth.ts';
import { ImportedNumbers } from '../imported-numbers.ts';
import type { Provider, ProviderCapabilities, WebhookRequest } from '../provider.ts';
import { configReader, SWITCH_PASSWORD } from '../switch-password.ts';
import {
  renderAsteriskAcknowledgement,
  renderAsteriskCall,
  renderAsteriskMessage,
} from './asterisk-instructions.ts';
import { parseAsteriskWebhook } from './asterisk-webhooks.ts';

const AsteriskConfigSchema = Type.Object(SWITCH_PASSWORD, { additionalProperties: false });
export type AsteriskConfig = Readonly<Static<typeof AsteriskConfigSchema>>;

/** @throws Error that names every violation, and no value */
export const readAsteriskConfig = configReader(AsteriskConfigSchema, 'Asterisk');

const CAPABILITIES: ProviderCapabilities = {
  answer: 'in_response',
  statusCallbacks: true,
  messages: false,
  messageRelay: 'none',
  recording: false,
  maxDuration: true,
  collectPin: true,
  attestation: false,
  rejectUnanswered: true,
  provisioning: 'none',
  authenticityFactors: ['secret_path', 'basic_auth'],
};

/** An Asterisk whose dialplan asks with CURL(): docs/providers/asterisk.md. @throws Error on a bad config */
export function createAsteriskProvider(config: AsteriskConfig): Provider {
  return new AsteriskProvider(readAsteriskConfig(config));
}

class AsteriskProvider extends ImportedNumbers implements Provider {
  readonly capabilities = CAPABILITIES;
  readonly parseWebhook = parseAsteriskWebhook;
  readonly renderCall = renderAsteriskCall;
  readonly renderMessage = renderAsteriskMessage;
  readonly renderAcknowledgement = renderAsteriskAcknowledgement;
  readonly #config: AsteriskConfig;

  constructor(config: AsteriskConfig) {
    super('An Asterisk');
    this.#config = config;
  }

  isAuthentic(request: WebhookRequest): boolean {
    const { password, previousPassword } = this.#config;
    return hasBasicAuth(request, 'asterisk', [password, previousPassword]);
  }
}
