import type { LegStatus } from '../domain/call.ts';
import type { Announcement } from '../domain/route.ts';
import type { Capability, VirtualNumber } from '../domain/virtual-number.ts';
import type { PhoneNumber } from '../privacy/phone-number.ts';

/** What a provider can do. Nothing outside an adapter asks which provider it is; it asks this. */
export interface ProviderCapabilities {
  /** whether the answer to the webhook routes the call, or a second REST call does */
  readonly answer: 'in_response' | 'by_command';
  readonly statusCallbacks: boolean;
  readonly messages: boolean;
  /** whether a relayed text is the webhook's answer, or needs a second REST call */
  readonly messageRelay: 'in_response' | 'by_command' | 'none';
  /** whether a call can be recorded with both sides told before; where only the caller would hear it, it cannot */
  readonly recording: boolean;
  readonly maxDuration: boolean;
  readonly collectPin: boolean;
  readonly attestation: boolean;
  /** whether a call can be refused without being answered, and so without being billed */
  readonly rejectUnanswered: boolean;
  readonly provisioning: 'immediate' | 'asynchronous' | 'none';
  /** how a webhook proves where it comes from; an account needs two */
  readonly authenticityFactors: readonly AuthenticityFactor[];
}

export type AuthenticityFactor =
  | 'signature'
  | 'secret_path'
  | 'source_address'
  | 'basic_auth'
  | 'call_read_back';

/** One HTTP request from a provider, as raw as it came. */
export interface WebhookRequest {
  readonly method: string;
  /** the public URL that the provider called and signed, query included */
  readonly url: string;
  /** names in lower case; a repeated header is joined by a comma */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly rawBody: Uint8Array;
  readonly remoteAddress: string;
}

export interface WebhookResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/**
 * What the network vouches for: `A` the caller and the right to the number, `B` the caller only, `C` the gateway
 * only; `failed` when the verification of whatever was claimed has failed.
 */
export type Attestation = 'A' | 'B' | 'C' | 'failed';

/** A provider asks what to do with a call, and waits. */
export interface AnswerRequest {
  readonly providerCallId: string;
  /** null when the caller withheld it or sent something that is no number */
  readonly callingNumber: PhoneNumber | null;
  readonly calledNumber: VirtualNumber | null;
  /** STIR/SHAKEN, if the provider says so inside the authenticated part; null when it says nothing */
  readonly attestation: Attestation | null;
  readonly digits: string | null;
}

export interface InboundMessage {
  readonly providerMessageId: string;
  readonly sendingNumber: PhoneNumber | null;
  readonly calledNumber: VirtualNumber | null;
  readonly body: string;
  readonly attachments: number;
  /** where the attachments are, for an adapter that can pass them on; left out, they stay behind */
  readonly mediaUrls?: readonly string[];
}

export interface StatusCallback {
  readonly providerCallId: string;
  readonly legStatus: LegStatus;
}

/** A webhook that is authentic, read into our words; or one that says nothing we know. */
export type ParsedWebhook =
  | { readonly kind: 'answer'; readonly request: AnswerRequest }
  | { readonly kind: 'status'; readonly callback: StatusCallback }
  /** several reports in one request, in the order in which they were made; at most 50 */
  | { readonly kind: 'statuses'; readonly callbacks: readonly StatusCallback[] }
  | { readonly kind: 'message'; readonly message: InboundMessage }
  | { readonly kind: 'ignored'; readonly why: string };

/**
 * What the provider shall do. A bridge has a caller id that is one of our own virtual numbers: without one it
 * cannot be written down, because most providers then show the caller's real number.
 */
export type CallInstruction =
  | {
      readonly decision: 'bridge';
      readonly destination: PhoneNumber;
      readonly callerId: VirtualNumber;
      readonly ringTimeoutSeconds: number;
      readonly maxCallSeconds: number;
      /** record both sides, after both heard the consent announcement; absent is off, and so is an adapter that cannot */
      readonly recording?: { readonly consent: string };
    }
  | { readonly decision: 'announce'; readonly announcement: Announcement }
  | { readonly decision: 'collect_pin'; readonly digits: number }
  | { readonly decision: 'reject' };

export type MessageInstruction =
  | {
      readonly decision: 'relay';
      readonly destination: PhoneNumber;
      readonly sender: VirtualNumber;
      readonly body: string;
      /** of the inbound message, as its adapter gave them; absent where the pool allows no attachments */
      readonly mediaUrls?: readonly string[];
    }
  | { readonly decision: 'drop' };

export interface NumberSearch {
  /** ISO 3166-1 alpha-2 */
  readonly country: string;
  /** 1 to 100 */
  readonly limit: number;
}

export interface NumberOnSale {
  readonly virtualNumber: VirtualNumber;
  readonly capabilities: readonly Capability[];
}

/** A number that the provider says is ours. */
export interface NumberHeld extends NumberOnSale {
  /** the provider's own id of it */
  readonly providerNumberId: string;
}

/** Where the provider shall send what happens on a number. */
export interface WebhookUrls {
  readonly answer: string;
  readonly status: string;
  readonly message: string;
}

export type WebhookKind = keyof WebhookUrls;

/**
 * One account at a telecom provider. Every method that talks to the provider gives up when `signal` aborts
 * and throws ProviderError; none retries by itself, because only the caller knows what may be done twice.
 */
export interface Provider {
  readonly capabilities: ProviderCapabilities;

  /** Whether the request is the provider's. It reads nothing but the request, and it never throws. */
  isAuthentic(request: WebhookRequest): boolean;
  /**
   * Whether a request that is not authentic bears no signature at all; present where the vendor may send one so by
   * mistake, and sends it again, signed, when it is answered 503.
   */
  isUnsigned?(request: WebhookRequest): boolean;
  /** Reads an authentic request. @throws ProviderError with code `malformed` */
  parseWebhook(kind: WebhookKind, request: WebhookRequest): ParsedWebhook;
  /** `urls`: the account's webhooks, for formats that name where the next step or the status goes. */
  renderCall(instruction: CallInstruction, urls: WebhookUrls): WebhookResponse;
  renderMessage(instruction: MessageInstruction, urls: WebhookUrls): WebhookResponse;
  /** The answer to a status callback. */
  renderAcknowledgement(): WebhookResponse;

  /**
   * Carries out a decision by a REST call; present with capability `answer: 'by_command'`, where the answer to the
   * webhook is only an acknowledgement. Asking twice for one call does not dial twice.
   */
  commandCall?(
    providerCallId: string,
    instruction: CallInstruction,
    urls: WebhookUrls,
    signal: AbortSignal,
  ): Promise<void>;
  /** Sends a relayed text; present with capability `messageRelay: 'by_command'`. */
  sendMessage?(
    instruction: Extract<MessageInstruction, { decision: 'relay' }>,
    providerMessageId: string,
    signal: AbortSignal,
  ): Promise<void>;
  /** What the provider says of a call whose end was not reported; null while it lasts or when it is not known. */
  fetchCallEnd?(
    providerCallId: string,
    signal: AbortSignal,
  ): Promise<Extract<LegStatus, { status: 'ended' }> | null>;

  searchNumbers(search: NumberSearch, signal: AbortSignal): Promise<readonly NumberOnSale[]>;
  /** Buys a number. The answer may be lost although the purchase was made: reconcile with `listNumbers`. */
  provisionNumber(virtualNumber: VirtualNumber, urls: WebhookUrls, signal: AbortSignal): Promise<NumberHeld>;
  /** Where a held number's webhooks point now, in the adapter's own words, so that it is known before they are changed. */
  readWebhooks(held: NumberHeld, signal: AbortSignal): Promise<unknown>;
  /**
   * Points a held number's webhooks at `urls`, and returns where they pointed before, in the adapter's own words,
   * so that they can be put back. With `restore` they are put back to that instead.
   */
  configureNumber(
    held: NumberHeld,
    change: { readonly urls: WebhookUrls } | { readonly restore: unknown },
    signal: AbortSignal,
  ): Promise<unknown>;
  /** Gives a number back. A number that is not there any more counts as given back. */
  decommissionNumber(held: NumberHeld, signal: AbortSignal): Promise<void>;
  /** Every number held, however many pages that takes. */
  listNumbers(signal: AbortSignal): Promise<readonly NumberHeld[]>;
}

/** What went wrong at a provider, in the words that decide what to do next. */
export type ProviderErrorCode =
  /** somebody else has bought it meanwhile: choose another */
  | 'number_not_available'
  /** asked too often: wait `retryAfterSeconds` */
  | 'rate_limited'
  /** refused for good: credentials, balance, regulation */
  | 'refused'
  /** the person to whom a text goes has told the provider, by STOP, to send none from this number */
  | 'opted_out'
  /** did not answer, or answered something that is no answer. What was asked may have happened */
  | 'unavailable'
  /** sent us something that we cannot read */
  | 'malformed';

export class ProviderError extends Error {
  readonly code: ProviderErrorCode;
  readonly retryAfterSeconds: number | null;

  constructor(
    code: ProviderErrorCode,
    message: string,
    options: ErrorOptions & { retryAfterSeconds?: number } = {},
  ) {
    super(message, options);
    this.name = 'ProviderError';
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}
