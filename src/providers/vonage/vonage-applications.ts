import { createHash } from 'node:crypto';
import { ProviderError, type WebhookUrls } from '../provider.ts';
import {
  type ApplicationBody,
  ApplicationsBody,
  CreatedApplicationBody,
  type VonageApi,
} from './vonage-api.ts';
import type { VonageConfig } from './vonage-config.ts';

const PAGE_LENGTH = 100;
const PAGES_MAXIMUM = 100;

/**
 * At Vonage webhooks belong to an application, and a number is linked to one. There is one application for each
 * set of webhooks, that is, one for each of our accounts; it is found again by its URLs, and made when missing.
 */
export class VonageApplications {
  readonly #api: VonageApi;
  readonly #config: VonageConfig;
  readonly #known = new Map<string, string>();

  constructor(api: VonageApi, config: VonageConfig) {
    this.#api = api;
    this.#config = config;
  }

  /** The id of the application that asks at `urls`. */
  async ensure(urls: WebhookUrls, signal: AbortSignal): Promise<string> {
    const name = applicationName(urls);
    const known =
      this.#known.get(name) ?? (await this.#find(urls, signal)) ?? (await this.#create(urls, signal));
    this.#known.set(name, known);
    return known;
  }

  /** Somebody may have deleted it since: it is looked for anew next time. */
  forget(urls: WebhookUrls): void {
    this.#known.delete(applicationName(urls));
  }

  async #find(urls: WebhookUrls, signal: AbortSignal): Promise<string | null> {
    for (let page = 1; page <= PAGES_MAXIMUM; page++) {
      const url = `${this.#config.apiUrl}/v2/applications?page_size=${PAGE_LENGTH}&page=${page}`;
      const body = await this.#api.ask(ApplicationsBody, 'the list of applications', 'GET', url, signal);
      const found = body._embedded?.applications.find((each) => asksAt(each, urls));
      if (found) return found.id;
      if (page >= body.total_pages) return null;
    }
    throw new ProviderError('unavailable', `Vonage's list of applications does not end.`);
  }

  async #create(urls: WebhookUrls, signal: AbortSignal): Promise<string> {
    const { apiUrl, fallbackAnswerUrl } = this.#config;
    const json = {
      name: applicationName(urls),
      capabilities: {
        voice: {
          signed_callbacks: true,
          webhooks: {
            answer_url: post(urls.answer),
            event_url: post(urls.status),
            ...(fallbackAnswerUrl !== null && { fallback_answer_url: post(fallbackAnswerUrl) }),
          },
        },
        messages: {
          version: 'v1',
          webhooks: { inbound_url: post(urls.message), status_url: post(urls.status) },
        },
      },
      // Nobody needs to learn from who talks to whom.
      privacy: { improve_ai: false },
    };
    const url = `${apiUrl}/v2/applications`;
    return (
      await this.#api.ask(CreatedApplicationBody, 'making an application', 'POST', url, signal, { json })
    ).id;
  }
}

function asksAt({ capabilities }: ApplicationBody, urls: WebhookUrls): boolean {
  const voice = capabilities?.voice?.webhooks;
  return (
    voice?.answer_url?.address === urls.answer &&
    voice.answer_url.http_method === 'POST' &&
    voice.event_url?.address === urls.status &&
    capabilities?.messages?.webhooks?.inbound_url?.address === urls.message
  );
}

/** By default Vonage asks with GET, whose signature covers nothing of what it says. */
function post(address: string): object {
  return { address, http_method: 'POST' };
}

/** The URLs hold a secret, so the name holds only a part of their hash. */
function applicationName(urls: WebhookUrls): string {
  const hash = createHash('sha256').update(`${urls.answer}\n${urls.status}\n${urls.message}`);
  return `maskline-${hash.digest('hex').slice(0, 16)}`;
}
