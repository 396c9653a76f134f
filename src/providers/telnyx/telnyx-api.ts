import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Clock } from '../../lib/clock.ts';
import { ProviderError } from '../provider.ts';
import { type ProviderRequest, type ProviderResponse, requestProvider } from '../provider-request.ts';
import type { TelnyxConfig } from './telnyx-config.ts';
import { toTelnyxError } from './telnyx-errors.ts';

/** The most that Telnyx gives on one page. */
const PAGE_LENGTH = 250;
/** 250,000 entries. More means that the pages go in circles. */
const PAGES_MAXIMUM = 1_000;

const Id = Type.String({ minLength: 1, maxLength: 100 });
const MaybeText = Type.Optional(Type.Union([Type.String({ maxLength: 1_000 }), Type.Null()]));
const E164 = Type.String({ pattern: '^\\+[1-9][0-9]{6,14}$' });

export const OnSaleBody = Type.Object({
  data: Type.Array(
    Type.Object({
      phone_number: E164,
      features: Type.Optional(Type.Array(Type.Object({ name: Type.String() }))),
    }),
  ),
});
export const OrderBody = Type.Object({
  data: Type.Object({
    id: Id,
    status: Type.Union([Type.Literal('pending'), Type.Literal('success'), Type.Literal('failure')]),
  }),
});
export const NumberBody = Type.Object({
  id: Id,
  phone_number: E164,
  status: Type.String(),
  connection_id: MaybeText,
  messaging_profile_id: MaybeText,
});
export type NumberBody = Static<typeof NumberBody>;
export const MessagingBody = Type.Object({
  id: Id,
  features: Type.Optional(
    Type.Union([
      Type.Object({ sms: Type.Optional(Type.Union([Type.Object({}), Type.Null()])) }),
      Type.Null(),
    ]),
  ),
});
export type MessagingBody = Static<typeof MessagingBody>;
export const TexmlApplicationBody = Type.Object({
  id: Id,
  voice_url: MaybeText,
  voice_method: MaybeText,
  status_callback: MaybeText,
});
export const MessagingProfileBody = Type.Object({
  id: Id,
  webhook_url: MaybeText,
  webhook_api_version: MaybeText,
});
export const IdBody = Type.Object({ id: Id });

/** What is asked for one thing comes in `data`. */
export function one<S extends TSchema>(schema: S) {
  return Type.Object({ data: schema });
}

const Meta = Type.Object({
  total_pages: Type.Integer({ minimum: 0 }),
  total_results: Type.Integer({ minimum: 0 }),
});

/** Telnyx's API v2 for one account: JSON with an API key, without retry. */
export class TelnyxApi {
  readonly #config: TelnyxConfig;
  readonly #clock: Clock;

  constructor(config: TelnyxConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  request(
    method: ProviderRequest['method'],
    path: string,
    signal: AbortSignal,
    body?: object,
  ): Promise<ProviderResponse> {
    const { apiUrl, apiKey } = this.#config;
    const headers = {
      authorization: `Bearer ${apiKey}`,
      ...(body && { 'content-type': 'application/json' }),
    };
    const payload = body && { body: JSON.stringify(body) };
    return requestProvider({ method, url: `${apiUrl}/${path}`, headers, ...payload, signal }, this.#clock);
  }

  /** @throws ProviderError */
  async ask<S extends TSchema>(
    schema: S,
    doing: string,
    ...request: Parameters<TelnyxApi['request']>
  ): Promise<Static<S>> {
    return this.expect(schema, doing, await this.request(...request));
  }

  expect<S extends TSchema>(schema: S, doing: string, response: ProviderResponse): Static<S> {
    const { status, json } = response;
    if (status >= 200 && status < 300 && matches(schema, json)) return json;
    throw this.error(response, doing);
  }

  error(response: ProviderResponse, doing: string): ProviderError {
    return toTelnyxError(response, this.#clock.now(), doing);
  }

  /** Every entry of a list, by its id. @throws ProviderError `unavailable` when the list changes while it is read */
  async all<S extends TSchema>(
    schema: S,
    path: string,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Static<S>>> {
    const Page = Type.Object({ data: Type.Array(schema), meta: Meta });
    const found = new Map<string, Static<S>>();
    const totals = new Set<number>();
    for (let page = 1; page <= PAGES_MAXIMUM; page++) {
      const query = new URLSearchParams({ 'page[number]': String(page), 'page[size]': String(PAGE_LENGTH) });
      const body: Static<typeof Page> = await this.ask(
        Page,
        `listing ${path}`,
        'GET',
        `${path}?${query}`,
        signal,
      );
      const data = body.data as (Static<S> & { id: string })[];
      for (const each of data) found.set(each.id, each);
      totals.add(body.meta.total_results);
      if (page < body.meta.total_pages && data.length > 0) continue;
      // Pages are cut by position: an entry that comes or goes meanwhile moves another one out of sight.
      if (totals.size === 1 && totals.has(found.size)) return found;
      throw new ProviderError('unavailable', `A list of Telnyx (${path}) changed while it was read.`);
    }
    throw new ProviderError(
      'unavailable',
      `A list of Telnyx (${path}) does not end after ${PAGES_MAXIMUM} pages.`,
    );
  }
}

const validators = new WeakMap<TSchema, { Check(value: unknown): boolean }>();

function matches<S extends TSchema>(schema: S, json: unknown): json is Static<S> {
  let validator = validators.get(schema);
  if (!validator) {
    validator = Compile(schema);
    validators.set(schema, validator);
  }
  return validator.Check(json);
}
