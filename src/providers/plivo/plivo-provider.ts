import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { Capability, VirtualNumber } from '../../domain/virtual-number.ts';
import type { Clock } from '../../lib/clock.ts';
import { afterPurchase } from '../after-purchase.ts';
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
import { toCalledNumber, withoutPlus } from '../wire-number.ts';
import { BoughtBody, CallBody, ChangedBody, HeldBody, OnSaleBody, PlivoApi } from './plivo-api.ts';
import { PlivoApplications } from './plivo-applications.ts';
import { type PlivoConfig, readPlivoConfig } from './plivo-config.ts';
import { isAlreadyGone, isNotOnSale, toPlivoError } from './plivo-errors.ts';
import { type LegEnd, plivoLegEnd } from './plivo-hangup.ts';
import { renderPlivoAcknowledgement, renderPlivoCall, renderPlivoMessage } from './plivo-instructions.ts';
import { isPlivoWebhook, parsePlivoWebhook } from './plivo-webhooks.ts';

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

/** What configureNumber returns: the application that the number was linked to, null for none. */
const Linked = Type.Object({
  applicationId: Type.Union([Type.String({ pattern: '^[0-9]{1,40}$' }), Type.Null()]),
});

/**
 * The adapter of Plivo (Voice XML, SMS, Numbers).
 * @throws Error on a bad config
 */
export function createPlivoProvider(
  account: { settings: unknown; credentials: unknown },
  options: { readonly clock: Clock },
): Provider {
  return new PlivoProvider(readPlivoConfig(account), options.clock);
}

class PlivoProvider implements Provider {
  readonly capabilities = CAPABILITIES;
  readonly renderCall = renderPlivoCall;
  readonly renderMessage = renderPlivoMessage;
  readonly renderAcknowledgement = renderPlivoAcknowledgement;
  readonly #config: PlivoConfig;
  readonly #clock: Clock;
  readonly #api: PlivoApi;
  readonly #applications: PlivoApplications;

  constructor(config: PlivoConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
    this.#api = new PlivoApi(config, clock);
    this.#applications = new PlivoApplications(this.#api, config.fallbackAnswerUrl);
  }

  isAuthentic(request: WebhookRequest): boolean {
    return isPlivoWebhook(request, this.#config.signingTokens);
  }

  parseWebhook(kind: WebhookKind, request: WebhookRequest): ParsedWebhook {
    return parsePlivoWebhook(kind, request, this.#clock.now());
  }

  async searchNumbers(search: NumberSearch, signal: AbortSignal): Promise<readonly NumberOnSale[]> {
    const found = new Map<string, NumberOnSale>();
    const query = { country_iso: search.country, services: 'voice' };
    for await (const { objects } of this.#api.pages(OnSaleBody, 'PhoneNumber/', query, signal)) {
      for (const each of objects.map(toNumberOnSale)) found.set(each.virtualNumber, each);
      if (found.size >= search.limit) break;
    }
    return [...found.values()].slice(0, search.limit);
  }

  async provisionNumber(
    virtualNumber: VirtualNumber,
    urls: WebhookUrls,
    signal: AbortSignal,
  ): Promise<NumberHeld> {
    const { complianceApplicationId } = this.#config;
    // First the application, so that a number never asks anywhere else, even if the answer to the purchase is lost.
    const applicationId = await this.#applications.ensure(urls, signal);
    const digits = withoutPlus(virtualNumber);
    const response = await this.#api.request('POST', `PhoneNumber/${digits}/`, signal, {
      app_id: applicationId,
      ...(complianceApplicationId !== null && { compliance_application_id: complianceApplicationId }),
    });
    if (isNotOnSale(response)) {
      throw new ProviderError('number_not_available', 'Plivo does not sell that number any more.');
    }
    if (response.status >= 400) this.#applications.forget(urls);
    const bought = this.#api.expect(BoughtBody, response, 'a purchase');
    if (bought.status !== 'fulfilled' || bought.numbers[0]?.number !== digits) {
      throw new ProviderError(
        'unavailable',
        'Plivo has not completed the purchase; its list of numbers will tell.',
      );
    }
    return afterPurchase(async () => {
      const held = await this.#api.ask(HeldBody, 'GET', `Number/${digits}/`, signal);
      if (linkedTo(held) !== applicationId) await this.#link(digits, applicationId, signal);
      return toNumberHeld(held);
    });
  }

  async readWebhooks(held: NumberHeld, signal: AbortSignal): Promise<Static<typeof Linked>> {
    const path = `Number/${withoutPlus(held.virtualNumber)}/`;
    return { applicationId: linkedTo(await this.#api.ask(HeldBody, 'GET', path, signal)) };
  }

  async configureNumber(
    held: NumberHeld,
    change: { readonly urls: WebhookUrls } | { readonly restore: unknown },
    signal: AbortSignal,
  ): Promise<unknown> {
    const digits = withoutPlus(held.virtualNumber);
    const before = await this.readWebhooks(held, signal);
    if ('urls' in change) {
      await this.#link(digits, await this.#applications.ensure(change.urls, signal), signal);
    } else if (Value.Check(Linked, change.restore)) {
      // An empty id takes the number off every application.
      await this.#link(digits, change.restore.applicationId ?? '', signal);
    } else {
      throw new ProviderError('malformed', 'What is to be put back is no application of Plivo.');
    }
    return before;
  }

  async decommissionNumber(held: NumberHeld, signal: AbortSignal): Promise<void> {
    const response = await this.#api.request('DELETE', `Number/${withoutPlus(held.virtualNumber)}/`, signal);
    if (response.status === 204 || response.status === 200 || isAlreadyGone(response)) return;
    throw toPlivoError(response, this.#clock.now(), 'giving a number back');
  }

  async listNumbers(signal: AbortSignal): Promise<readonly NumberHeld[]> {
    const held = new Map<string, NumberHeld>();
    const totals = new Set<number>();
    for await (const { objects, total } of this.#api.pages(HeldBody, 'Number/', {}, signal)) {
      for (const each of objects.map(toNumberHeld)) held.set(each.virtualNumber, each);
      if (total !== null) totals.add(total);
    }
    // Pages are cut by position: a number that comes or goes meanwhile moves another one out of sight.
    if (totals.size > 1 || [...totals].some((total) => total !== held.size)) {
      throw new ProviderError('unavailable', 'The list of numbers at Plivo changed while it was read.');
    }
    return [...held.values()];
  }

  async fetchCallEnd(providerCallId: string, signal: AbortSignal): Promise<LegEnd | null> {
    const query = { parent_call_uuid: providerCallId };
    for await (const { objects } of this.#api.pages(CallBody, 'Call/', query, signal)) {
      const [leg] = objects;
      const at = Date.parse(leg?.end_time ?? '');
      if (!leg || Number.isNaN(at)) return null;
      return plivoLegEnd({
        at,
        cause: null,
        causeName: leg.hangup_cause_name ?? null,
        source: leg.hangup_source ?? null,
        durationSeconds: leg.bill_duration ?? null,
      });
    }
    return null;
  }

  async #link(digits: string, applicationId: string, signal: AbortSignal): Promise<void> {
    await this.#api.ask(ChangedBody, 'POST', `Number/${digits}/`, signal, { app_id: applicationId });
  }
}

/** `/v1/Account/MA…/Application/20372631212782780/` */
function linkedTo(held: HeldBody): string | null {
  return /\/Application\/([0-9]{1,40})\/?$/.exec(held.application ?? '')?.[1] ?? null;
}

function toNumberOnSale(body: {
  number: string;
  voice_enabled: boolean;
  sms_enabled: boolean;
}): NumberOnSale {
  const virtualNumber = toCalledNumber(body.number, 'digits');
  if (!virtualNumber) throw new ProviderError('unavailable', 'Plivo named a number that is none.');
  const capabilities: Capability[] = [];
  if (body.voice_enabled) capabilities.push('voice');
  if (body.sms_enabled) capabilities.push('sms');
  return { virtualNumber, capabilities };
}

/** Plivo has no other id of a number than the number. */
function toNumberHeld(body: HeldBody): NumberHeld {
  return { ...toNumberOnSale(body), providerNumberId: body.number };
}
