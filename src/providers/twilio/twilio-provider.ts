import type { LegStatus } from '../../domain/call.ts';
import type { VirtualNumber } from '../../domain/virtual-number.ts';
import type { Clock } from '../../lib/clock.ts';
import {
  type NumberHeld,
  type NumberOnSale,
  type NumberSearch,
  type ParsedWebhook,
  type Provider,
  type ProviderCapabilities,
  ProviderError,
  type WebhookKind,
  type WebhookRequest,
  type WebhookUrls,
} from '../provider.ts';
import { type ProviderRequest, type ProviderResponse, requestProvider } from '../provider-request.ts';
import {
  isAvailableList,
  isCall,
  isCallList,
  isIncomingList,
  isIncomingNumber,
  isPointedNumber,
  isPointsTo,
  type PointsTo,
  pointsToOf,
  type TwilioCall,
  toNumberHeld,
  toNumberOnSale,
} from './twilio-bodies.ts';
import { readCallEnd, readTwilioDate } from './twilio-call-status.ts';
import { readTwilioAccount, type TwilioAccount } from './twilio-config.ts';
import { isNotFound, toTwilioError } from './twilio-errors.ts';
import { renderTwilioAcknowledgement, renderTwilioCall, renderTwilioMessage } from './twilio-instructions.ts';
import { isTwilioSigned } from './twilio-signature.ts';
import { parseTwilioWebhook } from './twilio-webhooks.ts';

/** Numbers a page; some 1,800 bytes each, with our URLs, keep it below the limit of an answer. */
const PAGE_LENGTH = 400;
/** 800,000 numbers. More means that the pages go in circles. */
const PAGES_MAXIMUM = 2_000;

/** The adapter of a Twilio account. @throws Error that names every violation of settings and credentials */
export function createTwilioProvider(
  account: { settings: unknown; credentials: unknown },
  options: { readonly clock: Clock },
): Provider {
  return new TwilioProvider(readTwilioAccount(account), options.clock);
}

/** Twilio, and whoever speaks its dialect. */
export class TwilioProvider implements Provider {
  readonly capabilities: ProviderCapabilities;
  readonly renderCall = renderTwilioCall;
  readonly renderMessage = renderTwilioMessage;
  readonly renderAcknowledgement = renderTwilioAcknowledgement;
  readonly #account: TwilioAccount;
  readonly #clock: Clock;

  constructor(account: TwilioAccount, clock: Clock) {
    this.#account = account;
    this.#clock = clock;
    this.capabilities = account.dialect.capabilities;
  }

  isAuthentic(request: WebhookRequest): boolean {
    return isTwilioSigned(request, this.#account.signingKeys, this.#account.dialect);
  }

  parseWebhook(kind: WebhookKind, request: WebhookRequest): ParsedWebhook {
    return parseTwilioWebhook(kind, request, this.#account, this.#clock.now());
  }

  async fetchCallEnd(
    providerCallId: string,
    signal: AbortSignal,
  ): Promise<Extract<LegStatus, { status: 'ended' }> | null> {
    const response = await this.#request('GET', `/Calls/${encodeURIComponent(providerCallId)}.json`, signal);
    if (isNotFound(response, this.#account.dialect)) return null;
    const callersLeg = this.#expect(response, 200, isCall);
    if (!this.#toEnd(callersLeg)) return null;
    const query = new URLSearchParams({ ParentCallSid: providerCallId, PageSize: '20' });
    const legs = await this.#request('GET', `/Calls.json?${query}`, signal);
    // The callee's leg says how the conversation went; the newest comes first. Without one nobody was dialled.
    const [calleesLeg] = this.#expect(legs, 200, isCallList).calls;
    return this.#toEnd(calleesLeg ?? callersLeg);
  }

  #toEnd(call: TwilioCall): Extract<LegStatus, { status: 'ended' }> | null {
    return readCallEnd({
      status: call.status,
      at: readTwilioDate(call.end_time) ?? this.#clock.now(),
      duration: call.duration ?? null,
      sipResponseCode: null,
    });
  }

  async searchNumbers(search: NumberSearch, signal: AbortSignal): Promise<readonly NumberOnSale[]> {
    const query = new URLSearchParams({ VoiceEnabled: 'true', PageSize: String(search.limit) });
    const country = encodeURIComponent(search.country);
    const path = `/AvailablePhoneNumbers/${country}/${this.#account.numberType}.json?${query}`;
    const response = await this.#request('GET', path, signal);
    // A country without numbers of this type is no resource.
    if (isNotFound(response, this.#account.dialect)) return [];
    const body = this.#expect(response, 200, isAvailableList);
    return body.available_phone_numbers.slice(0, search.limit).map(toNumberOnSale);
  }

  async provisionNumber(
    virtualNumber: VirtualNumber,
    urls: WebhookUrls,
    signal: AbortSignal,
  ): Promise<NumberHeld> {
    const response = await this.#request('POST', '/IncomingPhoneNumbers.json', signal, {
      PhoneNumber: virtualNumber,
      ...this.#account.purchaseFields,
      ...this.#webhookFields(urls),
    });
    const held = toNumberHeld(this.#expect(response, 201, isIncomingNumber));
    if (held.virtualNumber !== virtualNumber) {
      throw new ProviderError('unavailable', 'The provider says that it sold another number than asked.');
    }
    return held;
  }

  async readWebhooks(held: NumberHeld, signal: AbortSignal): Promise<PointsTo> {
    const path = `/IncomingPhoneNumbers/${encodeURIComponent(held.providerNumberId)}.json`;
    return pointsToOf(this.#expect(await this.#request('GET', path, signal), 200, isPointedNumber));
  }

  async configureNumber(
    held: NumberHeld,
    change: { readonly urls: WebhookUrls } | { readonly restore: unknown },
    signal: AbortSignal,
  ): Promise<unknown> {
    const path = `/IncomingPhoneNumbers/${encodeURIComponent(held.providerNumberId)}.json`;
    const restored = 'restore' in change ? toRestoringFields(change.restore) : null;
    const before = await this.readWebhooks(held, signal);
    const fields = 'urls' in change ? this.#pointingFields(change.urls, before) : restored;
    this.#expect(await this.#request('POST', path, signal, fields ?? {}), 200, isIncomingNumber);
    return before;
  }

  async decommissionNumber(held: NumberHeld, signal: AbortSignal): Promise<void> {
    const path = `/IncomingPhoneNumbers/${encodeURIComponent(held.providerNumberId)}.json`;
    const response = await this.#request('DELETE', path, signal);
    if (response.status === 204 || isNotFound(response, this.#account.dialect)) return;
    throw toTwilioError(this.#account.dialect.name, response, this.#clock.now());
  }

  async listNumbers(signal: AbortSignal): Promise<readonly NumberHeld[]> {
    const held = new Map<string, NumberHeld>();
    let path = `/IncomingPhoneNumbers.json?PageSize=${PAGE_LENGTH}`;
    for (let page = 0; page < PAGES_MAXIMUM; page++) {
      const body = this.#expect(await this.#request('GET', path, signal), 200, isIncomingList);
      for (const each of body.incoming_phone_numbers.map(toNumberHeld)) held.set(each.virtualNumber, each);
      if (!body.next_page_uri) return [...held.values()];
      path = this.#nextPage(body.next_page_uri);
    }
    // Half a list would make the rest look as if it had been given back.
    throw new ProviderError('unavailable', `The provider's list does not end after ${PAGES_MAXIMUM} pages.`);
  }

  /** Only the query of the next page is taken over: credentials go to the resource that we chose. */
  #nextPage(uri: string): string {
    const query = /\/IncomingPhoneNumbers(?:\.json)?\?([^#]+)$/.exec(uri)?.[1];
    if (query === undefined) {
      throw new ProviderError('unavailable', 'The provider named a next page that is none of its list.');
    }
    return `/IncomingPhoneNumbers.json?${query}`;
  }

  #webhookFields(urls: WebhookUrls): Record<string, string> {
    const { voiceFallbackUrl } = this.#account;
    return {
      VoiceUrl: urls.answer,
      VoiceMethod: 'POST',
      ...(voiceFallbackUrl !== null && { VoiceFallbackUrl: voiceFallbackUrl, VoiceFallbackMethod: 'POST' }),
      SmsUrl: urls.message,
      SmsMethod: 'POST',
      StatusCallback: urls.status,
      StatusCallbackMethod: 'POST',
    };
  }

  /**
   * An application or a trunk would win over the URLs, and a fallback URL of before would answer in our place, so
   * what there is of them is taken off.
   */
  #pointingFields(urls: WebhookUrls, before: PointsTo): Record<string, string> {
    return {
      ...(before.voice_application_sid && { VoiceApplicationSid: '' }),
      ...(before.sms_application_sid && { SmsApplicationSid: '' }),
      ...(before.trunk_sid && { TrunkSid: '' }),
      ...(before.voice_fallback_url && { VoiceFallbackUrl: '' }),
      ...(before.sms_fallback_url && { SmsFallbackUrl: '' }),
      ...this.#webhookFields(urls),
    };
  }

  #request(
    method: ProviderRequest['method'],
    path: string,
    signal: AbortSignal,
    fields?: Readonly<Record<string, string>>,
  ): Promise<ProviderResponse> {
    const { apiRoot, authorization } = this.#account;
    const url = apiRoot + path;
    if (fields === undefined) {
      return requestProvider({ method, url, headers: { authorization }, signal }, this.#clock);
    }
    const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
    const body = new URLSearchParams(fields).toString();
    return requestProvider({ method, url, headers, body, signal }, this.#clock);
  }

  #expect<T>(response: ProviderResponse, status: number, isBody: (json: unknown) => json is T): T {
    if (response.status === status && isBody(response.json)) return response.json;
    throw toTwilioError(this.#account.dialect.name, response, this.#clock.now());
  }
}

function toRestoringFields(restore: unknown): Record<string, string> {
  if (!isPointsTo(restore)) throw new ProviderError('malformed', 'What is to be put back are no webhooks.');
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(pointsToOf(restore))) {
    // `voice_url` in an answer is `VoiceUrl` in a request. A method cannot be empty; its default is POST.
    const field = name.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
    fields[field] = value ?? (name.endsWith('_method') ? 'POST' : '');
  }
  return fields;
}
