import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import {
  type Capability,
  toVirtualNumber,
  VIRTUAL_NUMBER_PATTERN,
  type VirtualNumber,
} from '../../domain/virtual-number.ts';
import type { Clock } from '../../lib/clock.ts';
import {
  type NumberHeld,
  type NumberOnSale,
  type NumberSearch,
  type Provider,
  type ProviderCapabilities,
  ProviderError,
  type WebhookUrls,
} from '../provider.ts';
import { type ProviderRequest, type ProviderResponse, requestProvider } from '../provider-request.ts';
import { readSimulatorConfig, type SimulatorConfig } from './simulator-config.ts';
import { isAlreadyGone, toSimulatorError } from './simulator-errors.ts';
import {
  renderSimulatorAcknowledgement,
  renderSimulatorCall,
  renderSimulatorMessage,
} from './simulator-instructions.ts';
import { isSimulatorWebhook, parseSimulatorWebhook } from './simulator-webhooks.ts';

const CAPABILITIES: ProviderCapabilities = {
  answer: 'in_response',
  statusCallbacks: true,
  messages: true,
  messageRelay: 'in_response',
  recording: false,
  maxDuration: true,
  collectPin: true,
  attestation: true,
  rejectUnanswered: true,
  provisioning: 'immediate',
  authenticityFactors: ['signature', 'secret_path'],
};

/** Numbers a page; some 200 bytes each keep it far below the limit of an answer. */
const PAGE_LENGTH = 500;
/** A million numbers. More means that the cursor goes in circles. */
const PAGES_MAXIMUM = 2_000;

const NumberText = Type.String({ pattern: VIRTUAL_NUMBER_PATTERN });
const OnSaleBody = Type.Object({ virtualNumber: NumberText, capabilities: Type.Array(Type.String()) });
const HeldBody = Type.Object({
  numberId: Type.String({ minLength: 1, maxLength: 100 }),
  virtualNumber: NumberText,
  capabilities: Type.Array(Type.String()),
});
const SearchBody = Type.Object({ data: Type.Array(OnSaleBody) });
const ListBody = Type.Object({
  data: Type.Array(HeldBody),
  nextCursor: Type.Union([Type.String({ minLength: 1 }), Type.Null()]),
});

const WebhooksBody = Type.Object({
  answerUrl: Type.String(),
  statusUrl: Type.String(),
  messageUrl: Type.String(),
});
const ConfiguredBody = Type.Object({ before: WebhooksBody });

const isConfiguredBody = checker(ConfiguredBody);
const isWebhooksBody = checker(WebhooksBody);
const isSearchBody = checker(SearchBody);
const isListBody = checker(ListBody);
const isHeldBody = checker(HeldBody);

/** The adapter of the operator in `simulator/`, and the pattern for every other one. @throws Error on a bad config */
export function createSimulatorProvider(
  config: SimulatorConfig,
  options: { readonly clock: Clock },
): Provider {
  return new SimulatorProvider(readSimulatorConfig(config), options.clock);
}

class SimulatorProvider implements Provider {
  readonly capabilities = CAPABILITIES;
  readonly renderCall = renderSimulatorCall;
  readonly renderMessage = renderSimulatorMessage;
  readonly renderAcknowledgement = renderSimulatorAcknowledgement;
  readonly parseWebhook = parseSimulatorWebhook;
  readonly #config: SimulatorConfig;
  readonly #clock: Clock;

  constructor(config: SimulatorConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  isAuthentic(request: Parameters<Provider['isAuthentic']>[0]): boolean {
    return isSimulatorWebhook(request, this.#config, this.#clock.now());
  }

  async searchNumbers(search: NumberSearch, signal: AbortSignal): Promise<readonly NumberOnSale[]> {
    const query = new URLSearchParams({ country: search.country, limit: String(search.limit) });
    const response = await this.#request('GET', `/numbers/available?${query}`, signal);
    return this.#expect(response, 200, isSearchBody).data.slice(0, search.limit).map(toNumberOnSale);
  }

  async provisionNumber(
    virtualNumber: VirtualNumber,
    urls: WebhookUrls,
    signal: AbortSignal,
  ): Promise<NumberHeld> {
    const response = await this.#request('POST', '/numbers', signal, {
      virtualNumber,
      ...toWebhooksBody(urls),
    });
    const held = toNumberHeld(this.#expect(response, 201, isHeldBody));
    if (held.virtualNumber !== virtualNumber) {
      throw new ProviderError('unavailable', 'The simulator says that it sold another number than asked.');
    }
    return held;
  }

  /** The simulator says what was there before a change, and a change of nothing is one. */
  async readWebhooks(held: NumberHeld, signal: AbortSignal): Promise<unknown> {
    const path = `/numbers/${encodeURIComponent(held.virtualNumber)}`;
    const response = await this.#request('PATCH', path, signal, {});
    return this.#expect(response, 200, isConfiguredBody).before;
  }

  async configureNumber(
    held: NumberHeld,
    change: { readonly urls: WebhookUrls } | { readonly restore: unknown },
    signal: AbortSignal,
  ): Promise<unknown> {
    const path = `/numbers/${encodeURIComponent(held.virtualNumber)}`;
    const webhooks = 'urls' in change ? toWebhooksBody(change.urls) : change.restore;
    if (!isWebhooksBody(webhooks))
      throw new ProviderError('malformed', 'What is to be put back are no webhooks.');
    const { answerUrl, statusUrl, messageUrl } = webhooks;
    const response = await this.#request('PATCH', path, signal, { answerUrl, statusUrl, messageUrl });
    return this.#expect(response, 200, isConfiguredBody).before;
  }

  async decommissionNumber(held: NumberHeld, signal: AbortSignal): Promise<void> {
    const path = `/numbers/${encodeURIComponent(held.virtualNumber)}`;
    const response = await this.#request('DELETE', path, signal);
    if (response.status === 204 || isAlreadyGone(response)) return;
    throw toSimulatorError(response, this.#clock.now());
  }

  async listNumbers(signal: AbortSignal): Promise<readonly NumberHeld[]> {
    const held = new Map<string, NumberHeld>();
    let cursor: string | null = null;
    for (let page = 0; page < PAGES_MAXIMUM; page++) {
      const query = new URLSearchParams({ limit: String(PAGE_LENGTH), ...(cursor !== null && { cursor }) });
      const response = await this.#request('GET', `/numbers?${query}`, signal);
      const body: Static<typeof ListBody> = this.#expect(response, 200, isListBody);
      for (const each of body.data.map(toNumberHeld)) held.set(each.virtualNumber, each);
      cursor = body.nextCursor;
      if (cursor === null) return [...held.values()];
    }
    // Half a list would make the rest look as if it had been given back.
    throw new ProviderError('unavailable', `The simulator's list does not end after ${PAGES_MAXIMUM} pages.`);
  }

  #request(
    method: ProviderRequest['method'],
    path: string,
    signal: AbortSignal,
    body?: object,
  ): Promise<ProviderResponse> {
    const url = this.#config.baseUrl + path;
    if (body === undefined) return requestProvider({ method, url, signal }, this.#clock);
    const headers = { 'content-type': 'application/json' };
    return requestProvider({ method, url, headers, body: JSON.stringify(body), signal }, this.#clock);
  }

  #expect<T>(response: ProviderResponse, status: number, isBody: (json: unknown) => json is T): T {
    if (response.status === status && isBody(response.json)) return response.json;
    throw toSimulatorError(response, this.#clock.now());
  }
}

function toWebhooksBody(urls: WebhookUrls): Static<typeof WebhooksBody> {
  return { answerUrl: urls.answer, statusUrl: urls.status, messageUrl: urls.message };
}

function toNumberOnSale(body: Static<typeof OnSaleBody>): NumberOnSale {
  const virtualNumber = toVirtualNumber(body.virtualNumber);
  if (!virtualNumber) throw new ProviderError('unavailable', 'The simulator named a number that is none.');
  return { virtualNumber, capabilities: body.capabilities.filter(isCapability) };
}

function toNumberHeld(body: Static<typeof HeldBody>): NumberHeld {
  return { ...toNumberOnSale(body), providerNumberId: body.numberId };
}

function isCapability(word: string): word is Capability {
  return word === 'voice' || word === 'sms';
}

function checker<S extends TSchema>(schema: S): (json: unknown) => json is Static<S> {
  const validator = Compile(schema);
  return (json): json is Static<S> => validator.Check(json);
}
