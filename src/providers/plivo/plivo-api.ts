import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Clock } from '../../lib/clock.ts';
import { ProviderError } from '../provider.ts';
import { type ProviderRequest, type ProviderResponse, requestProvider } from '../provider-request.ts';
import type { PlivoConfig } from './plivo-config.ts';
import { toPlivoError } from './plivo-errors.ts';

/** The most that Plivo gives on one page. */
export const PAGE_LENGTH = 20;
/** 100,000 entries. More means that the pages go in circles. */
const PAGES_MAXIMUM = 5_000;

const DigitsText = Type.String({ pattern: '^[1-9][0-9]{6,14}$' });

export const OnSaleBody = Type.Object({
  number: DigitsText,
  voice_enabled: Type.Boolean(),
  sms_enabled: Type.Boolean(),
});

/** A number on the account; `application` is the URI of the application that it is linked to. */
export const HeldBody = Type.Object({
  number: DigitsText,
  voice_enabled: Type.Boolean(),
  sms_enabled: Type.Boolean(),
  application: Type.Optional(Type.Union([Type.String({ maxLength: 500 }), Type.Null()])),
});
export type HeldBody = Static<typeof HeldBody>;

export const BoughtBody = Type.Object({
  status: Type.String(),
  numbers: Type.Array(Type.Object({ number: DigitsText, status: Type.String() })),
});

export const ApplicationBody = Type.Object({
  app_id: Type.String({ pattern: '^[0-9]{1,40}$' }),
  app_name: Type.String(),
  answer_url: Type.Union([Type.String(), Type.Null()]),
  answer_method: Type.Union([Type.String(), Type.Null()]),
  hangup_url: Type.Union([Type.String(), Type.Null()]),
  message_url: Type.Union([Type.String(), Type.Null()]),
});
export const CreatedApplicationBody = Type.Object({ app_id: Type.String({ pattern: '^[0-9]{1,40}$' }) });
export const ChangedBody = Type.Object({ message: Type.String() });

/** The call record of one leg. */
export const CallBody = Type.Object({
  call_uuid: Type.String(),
  end_time: Type.Union([Type.String(), Type.Null()]),
  bill_duration: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
  hangup_cause_name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  hangup_source: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});

const Meta = Type.Object({
  next: Type.Union([Type.String(), Type.Null()]),
  total_count: Type.Optional(Type.Integer({ minimum: 0 })),
});

/** Plivo's REST API for one account: JSON over basic authentication, without retry. */
export class PlivoApi {
  readonly #config: PlivoConfig;
  readonly #clock: Clock;

  constructor(config: PlivoConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  request(
    method: ProviderRequest['method'],
    path: string,
    signal: AbortSignal,
    body?: object,
  ): Promise<ProviderResponse> {
    const { apiUrl, authId, authToken } = this.#config;
    const authorization = `Basic ${Buffer.from(`${authId}:${authToken}`).toString('base64')}`;
    const headers = { authorization, ...(body && { 'content-type': 'application/json' }) };
    return requestProvider(
      {
        method,
        url: `${apiUrl}/Account/${authId}/${path}`,
        headers,
        ...(body && { body: JSON.stringify(body) }),
        signal,
      },
      this.#clock,
    );
  }

  /** @throws ProviderError */
  async ask<S extends TSchema>(
    schema: S,
    method: ProviderRequest['method'],
    path: string,
    signal: AbortSignal,
    body?: object,
  ): Promise<Static<S>> {
    return this.expect(schema, await this.request(method, path, signal, body), `${method} ${name(path)}`);
  }

  expect<S extends TSchema>(schema: S, response: ProviderResponse, doing: string): Static<S> {
    const { status, json } = response;
    if (status >= 200 && status < 300 && matches(schema, json)) return json;
    throw toPlivoError(response, this.#clock.now(), doing);
  }

  /** Walks the pages of a list until `enough` says so, or to its end. */
  async *pages<S extends TSchema>(
    schema: S,
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly objects: Static<S>[]; readonly total: number | null }> {
    const Page = Type.Object({ meta: Meta, objects: Type.Array(schema) });
    for (let page = 0; page < PAGES_MAXIMUM; page++) {
      const place = { limit: String(PAGE_LENGTH), offset: String(page * PAGE_LENGTH) };
      const asked = `${path}?${new URLSearchParams({ ...query, ...place })}`;
      const { meta, objects } = (await this.ask(Page, 'GET', asked, signal)) as {
        meta: Static<typeof Meta>;
        objects: Static<S>[];
      };
      yield { objects, total: meta.total_count ?? null };
      if (meta.next === null || objects.length === 0) return;
    }
    throw new ProviderError('unavailable', `A list of Plivo does not end after ${PAGES_MAXIMUM} pages.`);
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

/** The resource without what identifies it, for error messages: `Number/14155550101/` is `Number`. */
function name(path: string): string {
  return path.replace(/[/?].*$/, '');
}
