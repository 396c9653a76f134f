import { createHash } from 'node:crypto';
import type { WebhookUrls } from '../provider.ts';
import { ProviderError } from '../provider.ts';
import { ApplicationBody, CreatedApplicationBody, type PlivoApi } from './plivo-api.ts';

/**
 * At Plivo webhooks belong to an application, and a number is linked to one. There is one application for each
 * set of webhooks, that is, one for each of our accounts; it is found again by its URLs, and made when missing.
 */
export class PlivoApplications {
  readonly #api: PlivoApi;
  readonly #fallbackAnswerUrl: string | null;
  readonly #known = new Map<string, string>();

  constructor(api: PlivoApi, fallbackAnswerUrl: string | null) {
    this.#api = api;
    this.#fallbackAnswerUrl = fallbackAnswerUrl;
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
    for await (const { objects } of this.#api.pages(ApplicationBody, 'Application/', {}, signal)) {
      const found = objects.find(
        (each) =>
          each.answer_url === urls.answer &&
          each.answer_method === 'POST' &&
          each.hangup_url === urls.status &&
          each.message_url === urls.message,
      );
      if (found) return found.app_id;
    }
    return null;
  }

  async #create(urls: WebhookUrls, signal: AbortSignal): Promise<string> {
    const body = {
      app_name: applicationName(urls),
      answer_url: urls.answer,
      answer_method: 'POST',
      hangup_url: urls.status,
      hangup_method: 'POST',
      message_url: urls.message,
      message_method: 'POST',
      ...(this.#fallbackAnswerUrl !== null && {
        fallback_answer_url: this.#fallbackAnswerUrl,
        fallback_method: 'POST',
      }),
    };
    try {
      return (await this.#api.ask(CreatedApplicationBody, 'POST', 'Application/', signal, body)).app_id;
    } catch (error) {
      // Names are unique: another instance of ours may have been faster.
      if (!(error instanceof ProviderError) || error.code !== 'refused') throw error;
      const found = await this.#find(urls, signal);
      if (found === null) throw error;
      return found;
    }
  }
}

/** The URLs hold a secret, so the name holds only a part of their hash. */
function applicationName(urls: WebhookUrls): string {
  const hash = createHash('sha256').update(`${urls.answer}\n${urls.status}\n${urls.message}`);
  return `maskline-${hash.digest('hex').slice(0, 16)}`;
}
