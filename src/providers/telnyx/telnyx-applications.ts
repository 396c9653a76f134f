import { createHash } from 'node:crypto';
import type { WebhookUrls } from '../provider.ts';
import { IdBody, MessagingProfileBody, one, type TelnyxApi, TexmlApplicationBody } from './telnyx-api.ts';
import type { TelnyxConfig } from './telnyx-config.ts';

export interface TelnyxLinks {
  /** the TeXML application, which Telnyx calls a connection as soon as a number is linked to it */
  readonly connectionId: string;
  readonly messagingProfileId: string;
}

/**
 * At Telnyx webhooks belong to a TeXML application (calls) and to a messaging profile (texts), and a number is
 * linked to one of each. There is one pair for each set of webhooks, that is, one for each of our accounts; it is
 * found again by its URLs, and made when missing.
 */
export class TelnyxApplications {
  readonly #api: TelnyxApi;
  readonly #config: TelnyxConfig;
  readonly #known = new Map<string, TelnyxLinks>();

  constructor(api: TelnyxApi, config: TelnyxConfig) {
    this.#api = api;
    this.#config = config;
  }

  async ensure(urls: WebhookUrls, signal: AbortSignal): Promise<TelnyxLinks> {
    const name = applicationName(urls);
    const known = this.#known.get(name);
    if (known) return known;
    const links = {
      connectionId: await this.#texmlApplication(name, urls, signal),
      messagingProfileId: await this.#messagingProfile(name, urls, signal),
    };
    this.#known.set(name, links);
    return links;
  }

  /** Somebody may have deleted one of them since: they are looked for anew next time. */
  forget(urls: WebhookUrls): void {
    this.#known.delete(applicationName(urls));
  }

  async #texmlApplication(name: string, urls: WebhookUrls, signal: AbortSignal): Promise<string> {
    for (const each of (await this.#api.all(TexmlApplicationBody, 'texml_applications', signal)).values()) {
      const asksHere = each.voice_url === urls.answer && each.voice_method?.toLowerCase() === 'post';
      if (asksHere && each.status_callback === urls.status) return each.id;
    }
    const { outboundVoiceProfileId, fallbackAnswerUrl } = this.#config;
    const body = {
      friendly_name: name,
      active: true,
      voice_url: urls.answer,
      voice_method: 'post',
      ...(fallbackAnswerUrl !== null && { voice_fallback_url: fallbackAnswerUrl }),
      status_callback: urls.status,
      status_callback_method: 'post',
      inbound: { shaken_stir_enabled: true },
      outbound: { outbound_voice_profile_id: outboundVoiceProfileId },
    };
    return this.#create('texml_applications', body, signal);
  }

  async #messagingProfile(name: string, urls: WebhookUrls, signal: AbortSignal): Promise<string> {
    for (const each of (await this.#api.all(MessagingProfileBody, 'messaging_profiles', signal)).values()) {
      if (each.webhook_url === urls.message && each.webhook_api_version === '2') return each.id;
    }
    const body = {
      name,
      webhook_url: urls.message,
      webhook_api_version: '2',
      whitelisted_destinations: this.#config.messageCountries,
    };
    return this.#create('messaging_profiles', body, signal);
  }

  async #create(path: string, body: object, signal: AbortSignal): Promise<string> {
    return (await this.#api.ask(one(IdBody), `making one of ${path}`, 'POST', path, signal, body)).data.id;
  }
}

/** The URLs hold a secret, so the name holds only a part of their hash. */
function applicationName(urls: WebhookUrls): string {
  const hash = createHash('sha256').update(`${urls.answer}\n${urls.status}\n${urls.message}`);
  return `maskline-${hash.digest('hex').slice(0, 16)}`;
}
