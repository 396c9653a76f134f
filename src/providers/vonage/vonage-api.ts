import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Clock } from '../../lib/clock.ts';
import { type ProviderRequest, type ProviderResponse, requestProvider } from '../provider-request.ts';
import type { VonageConfig } from './vonage-config.ts';
import { statusOf, toVonageError } from './vonage-errors.ts';

const Msisdn = Type.String({ pattern: '^[1-9][0-9]{6,14}$' });
const Country = Type.String({ pattern: '^[A-Z]{2}$' });
const MaybeText = Type.Optional(Type.Union([Type.String({ maxLength: 1_000 }), Type.Null()]));

const OnSaleNumber = Type.Object({ country: Country, msisdn: Msisdn, features: Type.Array(Type.String()) });
export type OnSaleNumber = Static<typeof OnSaleNumber>;

const HeldNumber = Type.Object({
  country: Country,
  msisdn: Msisdn,
  features: Type.Array(Type.String()),
  app_id: MaybeText,
  moHttpUrl: MaybeText,
  voiceCallbackType: MaybeText,
  voiceCallbackValue: MaybeText,
});
export type HeldNumber = Static<typeof HeldNumber>;

/** Nothing found is an empty object. */
const Nothing = Type.Object({ count: Type.Optional(Type.Literal(0)) }, { additionalProperties: false });
export const OnSaleBody = Type.Union([
  Type.Object({ count: Type.Integer(), numbers: Type.Array(OnSaleNumber) }),
  Nothing,
]);
export const HeldBody = Type.Union([
  Type.Object({ count: Type.Integer(), numbers: Type.Array(HeldNumber) }),
  Nothing,
]);
export const DoneBody = Type.Object({ 'error-code': Type.Literal('200') });

const Webhook = Type.Object({ address: Type.String(), http_method: Type.Optional(Type.String()) });
const ApplicationBody = Type.Object({
  id: Type.String({ pattern: '^[0-9a-fA-F-]{36}$' }),
  name: Type.String(),
  capabilities: Type.Optional(
    Type.Object({
      voice: Type.Optional(
        Type.Object({
          webhooks: Type.Optional(
            Type.Object({ answer_url: Type.Optional(Webhook), event_url: Type.Optional(Webhook) }),
          ),
        }),
      ),
      messages: Type.Optional(
        Type.Object({ webhooks: Type.Optional(Type.Object({ inbound_url: Type.Optional(Webhook) })) }),
      ),
    }),
  ),
});
export type ApplicationBody = Static<typeof ApplicationBody>;
export const CreatedApplicationBody = Type.Object({ id: Type.String({ pattern: '^[0-9a-fA-F-]{36}$' }) });
export const ApplicationsBody = Type.Object({
  total_pages: Type.Integer({ minimum: 0 }),
  _embedded: Type.Optional(Type.Object({ applications: Type.Array(ApplicationBody) })),
});
export const SentBody = Type.Object({ message_uuid: Type.String() });

/** What goes along with a request: fields of a form, or a JSON document. */
type Payload = { readonly form: Readonly<Record<string, string>> } | { readonly json: object };

/** Vonage's REST APIs for one account, over basic authentication: the older ones take the secret in the URL as well. */
export class VonageApi {
  readonly #config: VonageConfig;
  readonly #clock: Clock;

  constructor(config: VonageConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  request(
    method: ProviderRequest['method'],
    url: string,
    signal: AbortSignal,
    payload?: Payload,
  ): Promise<ProviderResponse> {
    const { apiKey, apiSecret } = this.#config;
    const authorization = `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString('base64')}`;
    return requestProvider({ method, url, signal, ...encode(payload, { authorization }) }, this.#clock);
  }

  /** @throws ProviderError */
  async ask<S extends TSchema>(
    schema: S,
    doing: string,
    ...request: Parameters<VonageApi['request']>
  ): Promise<Static<S>> {
    return this.expect(schema, doing, await this.request(...request));
  }

  expect<S extends TSchema>(schema: S, doing: string, response: ProviderResponse): Static<S> {
    const status = statusOf(response);
    if (status >= 200 && status < 300 && matches(schema, response.json)) return response.json;
    throw toVonageError(response, this.#clock.now(), doing);
  }
}

function encode(
  payload: Payload | undefined,
  headers: Record<string, string>,
): Pick<ProviderRequest, 'headers' | 'body'> {
  if (payload === undefined) return { headers };
  if ('json' in payload) {
    return {
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(payload.json),
    };
  }
  const type = 'application/x-www-form-urlencoded';
  return {
    headers: { ...headers, 'content-type': type },
    body: new URLSearchParams(payload.form).toString(),
  };
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
