import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { Capability, VirtualNumber } from '../../domain/virtual-number.ts';
import { PhoneNumber } from '../../privacy/phone-number.ts';
import { afterPurchase } from '../after-purchase.ts';
import {
  type NumberHeld,
  type NumberOnSale,
  type NumberSearch,
  ProviderError,
  type WebhookUrls,
} from '../provider.ts';
import { toCalledNumber, withoutPlus } from '../wire-number.ts';
import {
  DoneBody,
  HeldBody,
  type HeldNumber,
  OnSaleBody,
  type OnSaleNumber,
  type VonageApi,
} from './vonage-api.ts';
import type { VonageApplications } from './vonage-applications.ts';
import type { VonageConfig } from './vonage-config.ts';
import { isMethodFailed } from './vonage-errors.ts';

/** The most that Vonage gives on one page. */
const PAGE_LENGTH = 100;
/** 100,000 numbers. More means that the pages go in circles. */
const PAGES_MAXIMUM = 1_000;
/** Countries of numbers seen on sale; what falls out is asked of the numbering plan. */
const COUNTRIES_MAXIMUM = 10_000;

const CONFIGURABLE = ['app_id', 'moHttpUrl', 'voiceCallbackType', 'voiceCallbackValue'] as const;
/** What configureNumber returns: where calls and texts went, as far as it was said. */
const Previous = Type.Partial(
  Type.Object({
    app_id: Type.String(),
    moHttpUrl: Type.String(),
    voiceCallbackType: Type.String(),
    voiceCallbackValue: Type.String(),
  }),
  { additionalProperties: false },
);

/** The Numbers API. Every call about a number names its country, so the country is kept in our id of it. */
export class VonageNumbers {
  readonly #api: VonageApi;
  readonly #config: VonageConfig;
  readonly #applications: VonageApplications;
  readonly #countries = new Map<string, string>();

  constructor(api: VonageApi, config: VonageConfig, applications: VonageApplications) {
    this.#api = api;
    this.#config = config;
    this.#applications = applications;
  }

  async search({ country, limit }: NumberSearch, signal: AbortSignal): Promise<readonly NumberOnSale[]> {
    const query = new URLSearchParams({ country, features: 'VOICE', size: String(limit), index: '1' });
    const url = `${this.#config.restUrl}/number/search?${query}`;
    const body = await this.#api.ask(OnSaleBody, 'a search', 'GET', url, signal);
    const numbers = 'numbers' in body ? body.numbers : [];
    for (const each of numbers) this.#remember(each);
    return numbers.slice(0, limit).map(toNumberOnSale);
  }

  async provision(virtualNumber: VirtualNumber, urls: WebhookUrls, signal: AbortSignal): Promise<NumberHeld> {
    const msisdn = withoutPlus(virtualNumber);
    const country = this.#countries.get(msisdn) ?? countryOf(virtualNumber);
    const applicationId = await this.#applications.ensure(urls, signal);
    const response = await this.#api.request('POST', `${this.#config.restUrl}/number/buy`, signal, {
      form: { country, msisdn },
    });
    if (isMethodFailed(response)) {
      throw new ProviderError('number_not_available', 'Vonage does not sell that number any more.');
    }
    this.#api.expect(DoneBody, 'a purchase', response);
    // Vonage sells first and links afterwards: between the two the number asks nobody.
    return afterPurchase(async () => {
      await this.#update({ country, msisdn, app_id: applicationId }, signal).catch((error: unknown) => {
        this.#applications.forget(urls);
        throw error;
      });
      return toNumberHeld(await this.#read(msisdn, signal));
    });
  }

  /** Where calls and texts of the number go now. */
  async webhooks(held: NumberHeld, signal: AbortSignal): Promise<Static<typeof Previous>> {
    return previousOf(await this.#read(withoutPlus(held.virtualNumber), signal));
  }

  async configure(
    held: NumberHeld,
    change: { readonly urls: WebhookUrls } | { readonly restore: unknown },
    signal: AbortSignal,
  ): Promise<unknown> {
    const before = await this.#read(withoutPlus(held.virtualNumber), signal);
    const { country, msisdn } = before;
    if ('urls' in change) {
      const app_id = await this.#applications.ensure(change.urls, signal);
      await this.#update({ country, msisdn, app_id }, signal);
    } else if (Value.Check(Previous, change.restore)) {
      await this.#update({ country, msisdn, ...change.restore }, signal);
    } else {
      throw new ProviderError('malformed', 'What is to be put back is no configuration of Vonage.');
    }
    return previousOf(before);
  }

  async decommission(held: NumberHeld, signal: AbortSignal): Promise<void> {
    const msisdn = withoutPlus(held.virtualNumber);
    const country = /^([A-Z]{2}):/.exec(held.providerNumberId)?.[1] ?? countryOf(held.virtualNumber);
    const response = await this.#api.request('POST', `${this.#config.restUrl}/number/cancel`, signal, {
      form: { country, msisdn },
    });
    // `method failed` does not say why, so the list must.
    if (isMethodFailed(response) && (await this.#find(msisdn, signal)) === null) return;
    this.#api.expect(DoneBody, 'giving a number back', response);
  }

  async list(signal: AbortSignal): Promise<readonly NumberHeld[]> {
    const held = new Map<string, NumberHeld>();
    const totals = new Set<number>();
    for (let index = 1; index <= PAGES_MAXIMUM; index++) {
      const query = new URLSearchParams({ size: String(PAGE_LENGTH), index: String(index) });
      const url = `${this.#config.restUrl}/account/numbers?${query}`;
      const body = await this.#api.ask(HeldBody, 'the list of numbers', 'GET', url, signal);
      const numbers = 'numbers' in body ? body.numbers : [];
      for (const each of numbers.map(toNumberHeld)) held.set(each.virtualNumber, each);
      totals.add(body.count ?? 0);
      if (index * PAGE_LENGTH >= (body.count ?? 0)) break;
      if (numbers.length === 0) break;
    }
    // Pages are cut by position: a number that comes or goes meanwhile moves another one out of sight.
    if (totals.size !== 1 || !totals.has(held.size)) {
      throw new ProviderError('unavailable', 'The list of numbers at Vonage changed while it was read.');
    }
    return [...held.values()];
  }

  async #update(form: Record<string, string>, signal: AbortSignal): Promise<void> {
    const url = `${this.#config.restUrl}/number/update`;
    await this.#api.ask(DoneBody, 'configuring a number', 'POST', url, signal, { form });
  }

  async #read(msisdn: string, signal: AbortSignal): Promise<HeldNumber> {
    const found = await this.#find(msisdn, signal);
    if (found === null) throw new ProviderError('unavailable', "The number is not in Vonage's list (yet).");
    return found;
  }

  async #find(msisdn: string, signal: AbortSignal): Promise<HeldNumber | null> {
    const query = new URLSearchParams({ pattern: msisdn, search_pattern: '0', size: '10', index: '1' });
    const url = `${this.#config.restUrl}/account/numbers?${query}`;
    const body = await this.#api.ask(HeldBody, 'reading a number', 'GET', url, signal);
    return ('numbers' in body ? body.numbers : []).find((each) => each.msisdn === msisdn) ?? null;
  }

  #remember({ msisdn, country }: OnSaleNumber): void {
    if (this.#countries.size >= COUNTRIES_MAXIMUM) this.#countries.clear();
    this.#countries.set(msisdn, country);
  }
}

function previousOf(number: HeldNumber): Static<typeof Previous> {
  const said = CONFIGURABLE.map((key) => [key, number[key]] as const).filter(([, value]) => value);
  return Object.fromEntries(said);
}

function countryOf(virtualNumber: VirtualNumber): string {
  const country = PhoneNumber.parse(virtualNumber)?.country;
  if (!country) {
    throw new ProviderError(
      'refused',
      'Vonage asks for the country of a number, and this one does not tell it.',
    );
  }
  return country;
}

function toNumberOnSale({ msisdn, features }: OnSaleNumber): NumberOnSale {
  const virtualNumber = toCalledNumber(msisdn, 'digits');
  if (!virtualNumber) throw new ProviderError('unavailable', 'Vonage named a number that is none.');
  const capabilities: Capability[] = [];
  if (features.includes('VOICE')) capabilities.push('voice');
  if (features.includes('SMS')) capabilities.push('sms');
  return { virtualNumber, capabilities };
}

function toNumberHeld(body: HeldNumber): NumberHeld {
  return { ...toNumberOnSale(body), providerNumberId: `${body.country}:${body.msisdn}` };
}
