import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { Capability, VirtualNumber } from '../../domain/virtual-number.ts';
import { type Clock, pause } from '../../lib/clock.ts';
import { afterPurchase } from '../after-purchase.ts';
import {
  type NumberHeld,
  type NumberOnSale,
  type NumberSearch,
  ProviderError,
  type WebhookUrls,
} from '../provider.ts';
import { toCalledNumber } from '../wire-number.ts';
import { MessagingBody, NumberBody, OnSaleBody, OrderBody, one, type TelnyxApi } from './telnyx-api.ts';
import type { TelnyxApplications, TelnyxLinks } from './telnyx-applications.ts';
import type { TelnyxConfig } from './telnyx-config.ts';
import { isAlreadyGone, isNotOnSale } from './telnyx-errors.ts';

/** Between two looks at an order. Most are complete at once. */
const POLL_MS = 1_000;

/** Numbers that are ours and work. Those on their way in or out are neither. */
const HELD_STATES: ReadonlySet<string> = new Set(['active', 'emergency-only', 'port-out-pending']);

/** What configureNumber returns: what the number was linked to; an empty text is nothing, in Telnyx's own words. */
const Previous = Type.Object(
  { connectionId: Type.String({ maxLength: 100 }), messagingProfileId: Type.String({ maxLength: 100 }) },
  { additionalProperties: false },
);

/** Search, orders and phone numbers of the API v2. */
export class TelnyxNumbers {
  readonly #api: TelnyxApi;
  readonly #config: TelnyxConfig;
  readonly #applications: TelnyxApplications;
  readonly #clock: Clock;

  constructor(api: TelnyxApi, config: TelnyxConfig, applications: TelnyxApplications, clock: Clock) {
    this.#api = api;
    this.#config = config;
    this.#applications = applications;
    this.#clock = clock;
  }

  async search({ country, limit }: NumberSearch, signal: AbortSignal): Promise<readonly NumberOnSale[]> {
    const query = new URLSearchParams({
      'filter[country_code]': country,
      'filter[features]': 'voice',
      'filter[limit]': String(limit),
    });
    const path = `available_phone_numbers?${query}`;
    const { data } = await this.#api.ask(OnSaleBody, 'a search', 'GET', path, signal);
    return data.slice(0, limit).map(({ phone_number, features = [] }) => {
      const sms = features.some((each) => each.name === 'sms');
      return { virtualNumber: toVirtual(phone_number), capabilities: capabilities(sms) };
    });
  }

  async provision(virtualNumber: VirtualNumber, urls: WebhookUrls, signal: AbortSignal): Promise<NumberHeld> {
    // First the application, so that a number never asks anywhere else, even if the answer to the purchase is lost.
    const links = await this.#applications.ensure(urls, signal);
    const { requirementGroupId } = this.#config;
    const wanted = {
      phone_number: virtualNumber,
      ...(requirementGroupId !== null && { requirement_group_id: requirementGroupId }),
    };
    const response = await this.#api.request('POST', 'number_orders', signal, {
      phone_numbers: [wanted],
      connection_id: links.connectionId,
      messaging_profile_id: links.messagingProfileId,
    });
    if (isNotOnSale(response)) throw notOnSale();
    if (response.status >= 400) this.#applications.forget(urls);
    const order = this.#api.expect(OrderBody, 'a purchase', response).data;
    return afterPurchase(async () => {
      await this.#completion(order, signal);
      const number = await this.#findByNumber(virtualNumber, signal);
      await this.#link(number, links, signal);
      return toNumberHeld(number, await this.#messaging(number.id, signal));
    });
  }

  /** What the number is linked to now. */
  async webhooks(held: NumberHeld, signal: AbortSignal): Promise<TelnyxLinks> {
    return linksOf(await this.#read(held, signal));
  }

  async configure(
    held: NumberHeld,
    change: { readonly urls: WebhookUrls } | { readonly restore: unknown },
    signal: AbortSignal,
  ): Promise<unknown> {
    const number = await this.#read(held, signal);
    if ('urls' in change) {
      await this.#link(number, await this.#applications.ensure(change.urls, signal), signal);
    } else if (Value.Check(Previous, change.restore)) {
      await this.#link(number, change.restore, signal);
    } else {
      throw new ProviderError('malformed', 'What is to be put back is no configuration of Telnyx.');
    }
    return linksOf(number) satisfies Static<typeof Previous>;
  }

  async decommission(held: NumberHeld, signal: AbortSignal): Promise<void> {
    const path = `phone_numbers/${encodeURIComponent(held.providerNumberId)}`;
    const response = await this.#api.request('DELETE', path, signal);
    if (response.status === 200 || response.status === 204 || isAlreadyGone(response)) return;
    throw this.#api.error(response, 'giving a number back');
  }

  async list(signal: AbortSignal): Promise<readonly NumberHeld[]> {
    const numbers = await this.#api.all(NumberBody, 'phone_numbers', signal);
    const messaging = await this.#api.all(MessagingBody, 'phone_numbers/messaging', signal);
    return [...numbers.values()]
      .filter((each) => HELD_STATES.has(each.status))
      .map((each) => toNumberHeld(each, messaging.get(each.id)));
  }

  /** Orders are carried out in the background; whoever cannot wait that long finds the number in the list later. */
  async #completion(order: Static<typeof OrderBody>['data'], signal: AbortSignal): Promise<void> {
    let { status } = order;
    while (status === 'pending') {
      await pause(this.#clock, POLL_MS, signal);
      const path = `number_orders/${encodeURIComponent(order.id)}`;
      status = (await this.#api.ask(OrderBody, 'reading an order', 'GET', path, signal)).data.status;
    }
    if (status === 'failure') throw notOnSale();
  }

  async #read(held: NumberHeld, signal: AbortSignal): Promise<NumberBody> {
    const path = `phone_numbers/${encodeURIComponent(held.providerNumberId)}`;
    return (await this.#api.ask(one(NumberBody), 'reading a number', 'GET', path, signal)).data;
  }

  async #findByNumber(virtualNumber: VirtualNumber, signal: AbortSignal): Promise<NumberBody> {
    const query = new URLSearchParams({ 'filter[phone_number]': virtualNumber });
    const Found = Type.Object({ data: Type.Array(NumberBody) });
    const { data } = await this.#api.ask(Found, 'finding a number', 'GET', `phone_numbers?${query}`, signal);
    const found = data.find((each) => each.phone_number === virtualNumber && HELD_STATES.has(each.status));
    if (!found) throw new ProviderError('unavailable', "The number is not in Telnyx's list (yet).");
    return found;
  }

  /** What is linked already stays as it is: an order carries the links with it. */
  async #link(number: NumberBody, links: TelnyxLinks, signal: AbortSignal): Promise<void> {
    const now = linksOf(number);
    const path = `phone_numbers/${encodeURIComponent(number.id)}`;
    if (now.connectionId !== links.connectionId) {
      const body = { connection_id: links.connectionId };
      await this.#api.ask(one(NumberBody), 'linking a number', 'PATCH', path, signal, body);
    }
    if (now.messagingProfileId !== links.messagingProfileId) {
      const body = { messaging_profile_id: links.messagingProfileId };
      await this.#api.ask(one(MessagingBody), 'linking a number', 'PATCH', `${path}/messaging`, signal, body);
    }
  }

  async #messaging(id: string, signal: AbortSignal): Promise<MessagingBody> {
    const path = `phone_numbers/${encodeURIComponent(id)}/messaging`;
    return (await this.#api.ask(one(MessagingBody), 'reading a number', 'GET', path, signal)).data;
  }
}

function notOnSale(): ProviderError {
  return new ProviderError('number_not_available', 'Telnyx does not sell that number any more.');
}

function linksOf(number: NumberBody): TelnyxLinks {
  return { connectionId: number.connection_id ?? '', messagingProfileId: number.messaging_profile_id ?? '' };
}

function toNumberHeld(number: NumberBody, messaging: MessagingBody | undefined): NumberHeld {
  const sms = Boolean(messaging?.features?.sms);
  return {
    virtualNumber: toVirtual(number.phone_number),
    capabilities: capabilities(sms),
    providerNumberId: number.id,
  };
}

function toVirtual(text: string): VirtualNumber {
  const virtualNumber = toCalledNumber(text, 'e164');
  if (!virtualNumber) throw new ProviderError('unavailable', 'Telnyx named a number that is none.');
  return virtualNumber;
}

function capabilities(sms: boolean): readonly Capability[] {
  return sms ? ['voice', 'sms'] : ['voice'];
}
