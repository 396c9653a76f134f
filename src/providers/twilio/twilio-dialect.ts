import type { ProviderCapabilities } from '../provider.ts';

/**
 * What differs between Twilio and the providers that speak its language: SignalWire's compatibility API has the
 * same forms, verbs and REST paths.
 */
export interface TwilioDialect {
  /** for error messages */
  readonly name: string;
  /** the headers that may carry the signature, in lower case; the first that is there counts */
  readonly signatureHeaders: readonly string[];
  /** Twilio signs each value of a repeated field once and in order; SignalWire signs them as they come. */
  readonly sortsRepeatedFields: boolean;
  /** the field of a status callback that holds the response of the callee's network */
  readonly sipCodeField: string;
  /** the code with which the provider says that something is not there; null when any JSON with a 404 says so */
  readonly notFoundCode: number | null;
  readonly capabilities: ProviderCapabilities;
}

const CAPABILITIES: ProviderCapabilities = {
  answer: 'in_response',
  statusCallbacks: true,
  messages: true,
  messageRelay: 'in_response',
  // The callee would not hear the consent: there is no webhook for what is said to that side alone.
  recording: false,
  maxDuration: true,
  collectPin: true,
  attestation: true,
  rejectUnanswered: true,
  provisioning: 'immediate',
  authenticityFactors: ['signature', 'secret_path'],
};

export const TWILIO: TwilioDialect = {
  name: 'Twilio',
  signatureHeaders: ['x-twilio-signature'],
  sortsRepeatedFields: true,
  sipCodeField: 'SipResponseCode',
  notFoundCode: 20_404,
  capabilities: CAPABILITIES,
};

export const SIGNALWIRE: TwilioDialect = {
  name: 'SignalWire',
  signatureHeaders: ['x-signalwire-signature', 'x-twilio-signature'],
  sortsRepeatedFields: false,
  sipCodeField: 'SipResultCode',
  notFoundCode: null,
  // Its documented webhook fields name no STIR/SHAKEN verdict.
  capabilities: { ...CAPABILITIES, attestation: false },
};
