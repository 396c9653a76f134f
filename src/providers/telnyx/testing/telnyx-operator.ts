import Type, { type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import type { OperatorAnswer, OperatorRequest } from '../../conformance-gateway.ts';
import type { WebhookUrls } from '../../provider.ts';

export const API_KEY = 'KEY0123456789ABCDEF_TheApiKeyOfTheTests';
export const VOICE_PROFILE = '1293384261075731499';

const PAGE_LENGTH_MAXIMUM = 250;

const exactly = <P extends Parameters<typeof Type.Object>[0]>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });
const Url = Type.String({ pattern: '^https://[^?#]+$' });
const E164 = Type.String({ pattern: '^\\+[1-9][0-9]{6,14}$' });

/** The request bodies as the types of the vendor's SDK 7.24.0 have them, and no more than that. */
const TexmlApplication = exactly({
  friendly_name: Type.String({ minLength: 1 }),
  active: Type.Boolean(),
  voice_url: Url,
  voice_method: Type.Literal('post'),
  voice_fallback_url: Type.Optional(Url),
  status_callback: Url,
  status_callback_method: Type.Literal('post'),
  inbound: exactly({ shaken_stir_enabled: Type.Literal(true) }),
  outbound: exactly({ outbound_voice_profile_id: Type.Literal(VOICE_PROFILE) }),
});
const MessagingProfile = exactly({
  name: Type.String({ minLength: 1 }),
  webhook_url: Url,
  webhook_api_version: Type.Literal('2'),
  whitelisted_destinations: Type.Array(Type.String(), { minItems: 1 }),
});
const NumberOrder = exactly({
  phone_numbers: Type.Array(
    exactly({ phone_number: E164, requirement_group_id: Type.Optional(Type.String()) }),
    { minItems: 1, maxItems: 1 },
  ),
  connection_id: Type.String({ minLength: 1 }),
  messaging_profile_id: Type.String({ minLength: 1 }),
});
const Message = Type.Union([
  exactly({ from: E164, to: E164, text: Type.String({ minLength: 1 }), type: Type.Literal('SMS') }),
  exactly({
    from: E164,
    to: E164,
    text: Type.Optional(Type.String({ minLength: 1 })),
    media_urls: Type.Array(Type.String({ pattern: '^https://' }), { minItems: 1, maxItems: 10 }),
    type: Type.Literal('MMS'),
  }),
]);

interface HeldNumber {
  readonly id: string;
  readonly phone_number: string;
  connection_id: string;
  messaging_profile_id: string;
  status: string;
}

/** Plays the part of `api.telnyx.com/v2` that the adapter needs. */
export class TelnyxOperator {
  readonly applications: (Static<typeof TexmlApplication> & { readonly id: string })[] = [];
  readonly profiles: (Static<typeof MessagingProfile> & { readonly id: string })[] = [];
  readonly onSale: string[] = [];
  readonly held = new Map<string, HeldNumber>();
  readonly orders: { readonly id: string; readonly body: Static<typeof NumberOrder>; looks: number }[] = [];
  readonly sent: Static<typeof Message>[] = [];
  /** how often an order is still pending when it is looked at */
  pendingLooks = 0;
  orderOutcome: 'success' | 'failure' = 'success';
  /** numbers are bought without what the order said of their links */
  ignoresLinks = false;

  constructor() {
    for (const areaCode of [201, 202, 203, 205, 206, 207]) {
      for (let line = 100; line < 200; line++) this.onSale.push(`+1${areaCode}5550${line}`);
    }
  }

  hold(phone_number: string, links: { connection_id: string; messaging_profile_id: string }): void {
    const id = `12933842${phone_number.slice(1)}`;
    this.held.set(phone_number, { id, phone_number, ...links, status: 'active' });
  }

  urlsOf({ connection_id, messaging_profile_id }: HeldNumber): WebhookUrls {
    const application = this.applications.find((each) => each.id === connection_id);
    const profile = this.profiles.find((each) => each.id === messaging_profile_id);
    return {
      answer: application?.voice_url ?? '',
      status: application?.status_callback ?? '',
      message: profile?.webhook_url ?? '',
    };
  }

  readonly handle = (request: OperatorRequest): OperatorAnswer => {
    if (request.headers.authorization !== `Bearer ${API_KEY}`)
      return failure(401, '10009', 'Authentication failed');
    const { pathname, searchParams } = new URL(request.path, 'http://operator');
    const [, resource = '', id = '', more = ''] =
      /^\/v2\/([a-z_]+)(?:\/([^/]+))?(?:\/([a-z]+))?$/.exec(pathname) ?? [];
    const json = request.headers['content-type'] === 'application/json' ? readJson(request.body) : undefined;
    if (request.body !== '' && json === undefined) return failure(400, '10015', 'Bad Request');
    if (resource === 'phone_numbers') return this.#phoneNumbers(request.method, id, more, searchParams, json);
    switch (`${request.method} ${resource}${id && '/:id'}`) {
      case 'GET available_phone_numbers':
        return this.#search(searchParams);
      case 'POST number_orders':
        return this.#order(json);
      case 'GET number_orders/:id':
        return this.#look(id);
      case 'GET texml_applications':
        return page(searchParams, this.applications);
      case 'POST texml_applications':
        return create(TexmlApplication, this.applications, json, (n) => `1293384261075731${500 + n}`);
      case 'GET messaging_profiles':
        return page(searchParams, this.profiles);
      case 'POST messaging_profiles':
        return create(MessagingProfile, this.profiles, json, (n) => `740572b6-099c-44a1-89b9-${n}`);
      case 'POST messages':
        return create(Message, this.sent, json, (n) => `834f3d53-8a3c-4aa0-a733-${n}`);
      default:
        return failure(404, '10005', 'Resource not found');
    }
  };

  #phoneNumbers(
    method: string,
    id: string,
    more: string,
    query: URLSearchParams,
    body: unknown,
  ): OperatorAnswer {
    const numbers = [...this.held.values()];
    if (method === 'GET' && id === '') {
      const wanted = query.get('filter[phone_number]');
      return page(
        query,
        numbers.filter((each) => wanted === null || each.phone_number === wanted).map(toNumber),
      );
    }
    if (method === 'GET' && id === 'messaging') return page(query, numbers.map(toMessaging));
    const number = numbers.find((each) => each.id === id);
    if (!number) return failure(404, '10005', 'Resource not found');
    const patch = body as Partial<HeldNumber>;
    switch (`${method} ${more}`) {
      case 'GET ':
        return answer(200, { data: toNumber(number) });
      case 'GET messaging':
        return answer(200, { data: toMessaging(number) });
      case 'PATCH ':
        number.connection_id = patch.connection_id ?? number.connection_id;
        return answer(200, { data: toNumber(number) });
      case 'PATCH messaging':
        number.messaging_profile_id = patch.messaging_profile_id ?? number.messaging_profile_id;
        return answer(200, { data: toMessaging(number) });
      case 'DELETE ':
        this.held.delete(number.phone_number);
        return answer(200, { data: { ...toNumber(number), status: 'deleted' } });
      default:
        return failure(404, '10005', 'Resource not found');
    }
  }

  #search(query: URLSearchParams): OperatorAnswer {
    if (query.get('filter[features]') !== 'voice') return failure(400, '10015', 'The test expects voice.');
    const numbers = query.get('filter[country_code]') === 'US' ? this.onSale : [];
    const data = numbers.slice(0, Number(query.get('filter[limit]'))).map((phone_number) => ({
      record_type: 'available_phone_number',
      phone_number,
      best_effort: false,
      quickship: true,
      reservable: true,
      cost_information: { upfront_cost: '1.00', monthly_cost: '1.00', currency: 'USD' },
      features: [{ name: 'sms' }, { name: 'voice' }],
    }));
    return answer(200, { data, meta: { total_results: data.length, best_effort_results: 0 } });
  }

  #order(body: unknown): OperatorAnswer {
    if (!Value.Check(NumberOrder, body)) return failure(422, '10015', 'Invalid value');
    if (!this.applications.some((each) => each.id === body.connection_id)) {
      return failure(422, '10027', 'Unknown connection');
    }
    const [wanted] = body.phone_numbers;
    const at = this.onSale.indexOf(wanted?.phone_number ?? '');
    if (at < 0) return failure(422, '85001', 'The phone number is not available');
    const order = { id: `12ade33a-21c0-473b-b055-${this.orders.length}`, body, looks: 0 };
    this.orders.push(order);
    return this.#report(order);
  }

  #look(id: string): OperatorAnswer {
    const order = this.orders.find((each) => each.id === id);
    if (!order) return failure(404, '10005', 'Resource not found');
    order.looks++;
    return this.#report(order);
  }

  #report({ id, body, looks }: (typeof this.orders)[number]): OperatorAnswer {
    const status = looks < this.pendingLooks ? 'pending' : this.orderOutcome;
    const phone_number = body.phone_numbers[0]?.phone_number ?? '';
    if (status === 'success' && !this.held.has(phone_number)) {
      const { connection_id, messaging_profile_id } = body;
      this.onSale.splice(this.onSale.indexOf(phone_number), 1);
      this.hold(
        phone_number,
        this.ignoresLinks
          ? { connection_id: '', messaging_profile_id: '' }
          : { connection_id, messaging_profile_id },
      );
    }
    return answer(200, {
      data: { record_type: 'number_order', id, status, phone_numbers: [{ phone_number, status }] },
    });
  }
}

function toNumber(number: HeldNumber): object {
  return {
    record_type: 'phone_number',
    ...number,
    connection_id: number.connection_id || null,
    messaging_profile_id: number.messaging_profile_id || null,
    country_iso_alpha2: 'US',
    phone_number_type: 'local',
    tags: [],
  };
}

function toMessaging({ id, phone_number, messaging_profile_id }: HeldNumber): object {
  const sms = { domestic_two_way: true, international_inbound: true, international_outbound: false };
  return {
    record_type: 'messaging_settings',
    id,
    phone_number,
    messaging_profile_id: messaging_profile_id || null,
    features: { sms, mms: null },
  };
}

function create(
  schema: TSchema,
  all: object[],
  body: unknown,
  id: (count: number) => string,
): OperatorAnswer {
  if (!Value.Check(schema, body)) return failure(422, '10015', 'Invalid value');
  const created = { ...(body as object), id: id(all.length) };
  all.push(created);
  return answer(201, { data: created });
}

function page(query: URLSearchParams, all: readonly object[]): OperatorAnswer {
  const number = Number(query.get('page[number]') ?? 1);
  const size = Number(query.get('page[size]') ?? 20);
  if (size > PAGE_LENGTH_MAXIMUM) return failure(400, '10015', 'page[size] is at most 250');
  const meta = {
    page_number: number,
    page_size: size,
    total_pages: Math.ceil(all.length / size),
    total_results: all.length,
  };
  return answer(200, { data: all.slice((number - 1) * size, number * size), meta });
}

function failure(status: number, code: string, title: string): OperatorAnswer {
  return answer(status, { errors: [{ code, title, detail: title }] });
}

function answer(status: number, body: object): OperatorAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
