import type { LegStatus } from '../../domain/call.ts';
import type { VirtualNumber } from '../../domain/virtual-number.ts';
import type { Clock } from '../../lib/clock.ts';
import {
  type MessageInstruction,
  type NumberHeld,
  type NumberOnSale,
  type NumberSearch,
  type ParsedWebhook,
  type Provider,
  type ProviderCapabilities,
  ProviderError,
  type ProviderErrorCode,
  type WebhookKind,
  type WebhookRequest,
  type WebhookUrls,
} from '../provider.ts';
import { type ProviderRequest, type ProviderResponse, requestProvider } from '../provider-request.ts';
import { SendOnce } from '../send-once.ts';
import {
  availableNumbers,
  type ExotelCall,
  isAvailableList,
  isCallBody,
  isFlows,
  isHeldList,
  isHeldNumber,
  isPointedNumber,
  isSentText,
  toNumberHeld,
  toNumberOnSale,
} from './exotel-bodies.ts';
import { type ExotelAccount, readExotelAccount } from './exotel-config.ts';
import { isNotThere, toExotelError } from './exotel-errors.ts';
import { renderExotelAcknowledgement, renderExotelCall, renderExotelMessage } from './exotel-instructions.ts';
import { exotelTermination, isExotelWebhook, parseExotelWebhook, readExotelTime } from './exotel-webhooks.ts';

/** Exotel takes 50 requests a minute about numbers, so pages are as long as an answer holds with ease. */
const PAGE_LENGTH = 200;
/** 400,000 numbers. More means that the pages go in circles. */
const PAGES_MAXIMUM = 2_000;

/** What a refused purchase means: the number is not there, or it is somebody's. */
const PURCHASE_MEANINGS: ReadonlyMap<number, ProviderErrorCode> = new Map([
  [404, 'number_not_available'],
  [409, 'number_not_available'],
]);

/** The adapter of an Exotel account. @throws Error that says what is missing in settings and credentials */
export function createExotelProvider(
  account: { settings: unknown; credentials: unknown },
  options: { readonly clock: Clock },
): Provider {
  return new ExotelProvider(readExotelAccount(account), options.clock);
}

class ExotelProvider implements Provider {
  readonly capabilities: ProviderCapabilities;
  readonly renderCall = renderExotelCall;
  readonly renderMessage = renderExotelMessage;
  readonly renderAcknowledgement = renderExotelAcknowledgement;
  readonly #account: ExotelAccount;
  readonly #clock: Clock;
  readonly #texts = new SendOnce();

  constructor(account: ExotelAccount, clock: Clock) {
    this.#account = account;
    this.#clock = clock;
    this.capabilities = {
      answer: 'in_response',
      statusCallbacks: true,
      messages: true,
      messageRelay: 'by_command',
      recording: true,
      maxDuration: true,
      // A flow can ask for digits before it asks us, but not because we say so.
      collectPin: false,
      attestation: false,
      rejectUnanswered: false,
      provisioning: 'immediate',
      authenticityFactors: [
        'secret_path',
        ...(account.webhookUser === null ? [] : (['basic_auth'] as const)),
        ...(account.sources === null ? [] : (['source_address'] as const)),
      ],
    };
  }

  isAuthentic(request: WebhookRequest): boolean {
    return isExotelWebhook(request, this.#account);
  }

  parseWebhook(kind: WebhookKind, request: WebhookRequest): ParsedWebhook {
    return parseExotelWebhook(kind, request, this.#account, this.#clock.now());
  }

  sendMessage(
    instruction: Extract<MessageInstruction, { decision: 'relay' }>,
    providerMessageId: string,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#texts.run(providerMessageId, () => this.#send(instruction, providerMessageId, signal));
  }

  async #send(
    { destination, sender, body }: Extract<MessageInstruction, { decision: 'relay' }>,
    providerMessageId: string,
    signal: AbortSignal,
  ): Promise<void> {
    const response = await this.#request('POST', `/v1/Accounts/${this.#sid}/Sms/send.json`, signal, {
      From: sender,
      To: destination.reveal(),
      Body: body,
      // biome-ignore lint/suspicious/noControlCharactersInRegex: plain is ASCII, from the first character on.
      EncodingType: /^[\u0000-\u007f]*$/.test(body) ? 'plain' : 'unicode',
      ...this.#account.textFields,
      CustomField: providerMessageId,
    });
    if (response.status < 300 && isSentText(response.json)) return;
    throw toExotelError(response, this.#clock.now());
  }

  async fetchCallEnd(
    providerCallId: string,
    signal: AbortSignal,
  ): Promise<Extract<LegStatus, { status: 'ended' }> | null> {
    const path = `/v1/Accounts/${this.#sid}/Calls/${encodeURIComponent(providerCallId)}.json?details=true`;
    const response = await this.#request('GET', path, signal);
    if (isNotThere(response)) return null;
    if (response.status !== 200 || !isCallBody(response.json)) {
      throw toExotelError(response, this.#clock.now());
    }
    return this.#toEnd(response.json.Call);
  }

  /** The second leg says how the conversation went; the call as a whole is complete although nobody spoke. */
  #toEnd(call: ExotelCall): Extract<LegStatus, { status: 'ended' }> | null {
    if (exotelTermination(call.Status) === null) return null;
    const word = call.Details?.Leg2Status || call.Status;
    const termination = exotelTermination(word);
    if (termination === null) return null;
    const talked = Number(call.Details?.ConversationDuration ?? Number.NaN);
    return {
      status: 'ended',
      at: readExotelTime(call.EndTime, this.#account) ?? this.#clock.now(),
      termination,
      durationSeconds: Number.isInteger(talked) ? talked : null,
      nativeCause: word.toLowerCase(),
    };
  }

  async searchNumbers(search: NumberSearch, signal: AbortSignal): Promise<readonly NumberOnSale[]> {
    const country = encodeURIComponent(search.country);
    const path = `${this.#numbers('AvailablePhoneNumbers')}/${country}/${this.#account.numberType}`;
    const response = await this.#request('GET', path, signal);
    // A country in which Exotel has no numbers is no resource.
    if (isNotThere(response)) return [];
    if (response.status !== 200 || !isAvailableList(response.json)) {
      throw toExotelError(response, this.#clock.now());
    }
    const found = availableNumbers(response.json).slice(0, search.limit);
    return found.map((each) => toNumberOnSale(each, this.#account));
  }

  async provisionNumber(
    virtualNumber: VirtualNumber,
    _urls: WebhookUrls,
    signal: AbortSignal,
  ): Promise<NumberHeld> {
    const fields = { PhoneNumber: virtualNumber, ...this.#flowFields() };
    const response = await this.#request('POST', this.#numbers('IncomingPhoneNumbers'), signal, fields);
    if ((response.status !== 200 && response.status !== 201) || !isHeldNumber(response.json)) {
      throw toExotelError(response, this.#clock.now(), PURCHASE_MEANINGS);
    }
    const held = toNumberHeld(response.json, this.#account);
    if (held.virtualNumber !== virtualNumber) {
      throw new ProviderError('unavailable', 'Exotel says that it sold another number than asked.');
    }
    return held;
  }

  async readWebhooks(held: NumberHeld, signal: AbortSignal): Promise<unknown> {
    const response = await this.#request('GET', this.#numberPath(held), signal);
    if (response.status !== 200 || !isPointedNumber(response.json))
      throw toExotelError(response, this.#clock.now());
    const { voice_url = null, sms_url = null } = response.json;
    return { voice_url, sms_url };
  }

  /** A number is assigned to the flows of the settings; those ask at our URLs, as they were built in the dashboard. */
  async configureNumber(
    held: NumberHeld,
    change: { readonly urls: WebhookUrls } | { readonly restore: unknown },
    signal: AbortSignal,
  ): Promise<unknown> {
    const path = this.#numberPath(held);
    const fields = 'urls' in change ? this.#flowFields() : toRestoringFields(change.restore);
    const before = await this.readWebhooks(held, signal);
    const changed = await this.#request('PUT', path, signal, fields);
    if (changed.status !== 200 || !isHeldNumber(changed.json))
      throw toExotelError(changed, this.#clock.now());
    return before;
  }

  async decommissionNumber(held: NumberHeld, signal: AbortSignal): Promise<void> {
    const response = await this.#request('DELETE', this.#numberPath(held), signal);
    if ([200, 202, 204].includes(response.status) || isNotThere(response)) return;
    throw toExotelError(response, this.#clock.now());
  }

  async listNumbers(signal: AbortSignal): Promise<readonly NumberHeld[]> {
    const held = new Map<string, NumberHeld>();
    let query = `Page=0&PageSize=${PAGE_LENGTH}`;
    for (let page = 0; page < PAGES_MAXIMUM; page++) {
      const path = `${this.#numbers('IncomingPhoneNumbers')}?${query}`;
      const response = await this.#request('GET', path, signal);
      if (response.status !== 200 || !isHeldList(response.json)) {
        throw toExotelError(response, this.#clock.now());
      }
      for (const each of response.json.incoming_phone_numbers) {
        const number = toNumberHeld(each, this.#account);
        held.set(number.virtualNumber, number);
      }
      if (!response.json.next_page_uri) return [...held.values()];
      query = nextQuery(response.json.next_page_uri);
    }
    // Half a list would make the rest look as if it had been given back.
    throw new ProviderError('unavailable', `Exotel's list does not end after ${PAGES_MAXIMUM} pages.`);
  }

  get #sid(): string {
    return encodeURIComponent(this.#account.accountSid);
  }

  #numbers(resource: string): string {
    return `/v2_beta/Accounts/${this.#sid}/${resource}`;
  }

  #numberPath(held: NumberHeld): string {
    return `${this.#numbers('IncomingPhoneNumbers')}/${encodeURIComponent(held.providerNumberId)}`;
  }

  #flowFields(): Record<string, string> {
    const { voiceFlowUrl, smsFlowUrl } = this.#account;
    return { VoiceUrl: voiceFlowUrl, ...(smsFlowUrl !== null && { SMSUrl: smsFlowUrl }) };
  }

  #request(
    method: ProviderRequest['method'],
    path: string,
    signal: AbortSignal,
    fields?: Readonly<Record<string, string>>,
  ): Promise<ProviderResponse> {
    const { baseUrl, authorization } = this.#account;
    const url = baseUrl + path;
    if (fields === undefined) {
      return requestProvider({ method, url, headers: { authorization }, signal }, this.#clock);
    }
    const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
    const body = new URLSearchParams(fields).toString();
    return requestProvider({ method, url, headers, body, signal }, this.#clock);
  }
}

/** Only the query of the next page is taken over: Exotel names another host there than the one that it is asked at. */
function nextQuery(uri: string): string {
  const query = /\/IncomingPhoneNumbers\?([^#]+)$/.exec(uri)?.[1];
  if (query === undefined) {
    throw new ProviderError('unavailable', 'Exotel named a next page that is none of its list.');
  }
  return query;
}

function toRestoringFields(restore: unknown): Record<string, string> {
  if (!isFlows(restore)) throw new ProviderError('malformed', 'What is to be put back are no flows.');
  return { VoiceUrl: restore.voice_url ?? '', SMSUrl: restore.sms_url ?? '' };
}
