import Type from 'typebox';
import { Value } from 'typebox/value';
import type { OperatorAnswer, OperatorRequest } from '../../conformance-gateway.ts';
import type { WebhookUrls } from '../../provider.ts';

export const API_KEY = 'a1b2c3d';
export const API_SECRET = 'TheApiSecretOfTheTests';

const PAGE_LENGTH_MAXIMUM = 100;

const Post = Type.Object(
  { address: Type.String({ pattern: '^https://[^?#]+$' }), http_method: Type.Literal('POST') },
  { additionalProperties: false },
);
/** As the Application API v2 documents it, and no more than that. */
const ApplicationRequest = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 255 }),
    capabilities: Type.Object(
      {
        voice: Type.Object(
          {
            signed_callbacks: Type.Literal(true),
            webhooks: Type.Object(
              { answer_url: Post, event_url: Post, fallback_answer_url: Type.Optional(Post) },
              { additionalProperties: false },
            ),
          },
          { additionalProperties: false },
        ),
        messages: Type.Object(
          {
            version: Type.Literal('v1'),
            webhooks: Type.Object({ inbound_url: Post, status_url: Post }, { additionalProperties: false }),
          },
          { additionalProperties: false },
        ),
      },
      { additionalProperties: false },
    ),
    privacy: Type.Object({ improve_ai: Type.Boolean() }, { additionalProperties: false }),
  },
  { additionalProperties: false },
);
/** The Messages API v1, for a text over SMS. */
const MessageRequest = Type.Object(
  {
    channel: Type.Literal('sms'),
    message_type: Type.Literal('text'),
    to: Type.String({ pattern: '^[1-9][0-9]{6,14}$' }),
    from: Type.String({ pattern: '^[1-9][0-9]{6,14}$' }),
    text: Type.String({ minLength: 1, maxLength: 1_600 }),
    client_ref: Type.Optional(Type.String({ maxLength: 100 })),
  },
  { additionalProperties: false },
);
const CONFIGURABLE = new Set(['app_id', 'moHttpUrl', 'voiceCallbackType', 'voiceCallbackValue']);

type Application = Type.Static<typeof ApplicationRequest> & { readonly id: string };
type Configuration = Readonly<Record<string, string>>;

/** Plays the parts of `api.nexmo.com` and `rest.nexmo.com` that the adapter needs, behind `/api` and `/rest`. */
export class VonageOperator {
  readonly applications: Application[] = [];
  readonly onSale: string[] = [];
  readonly held = new Map<string, Configuration>();
  readonly sent: Type.Static<typeof MessageRequest>[] = [];

  constructor() {
    for (const areaCode of [201, 202, 203, 205, 206, 207]) {
      for (let line = 100; line < 200; line++) this.onSale.push(`1${areaCode}5550${line}`);
    }
  }

  urlsOf(msisdn: string): WebhookUrls {
    const { app_id } = this.held.get(msisdn) ?? {};
    const { voice, messages } = this.applications.find((each) => each.id === app_id)?.capabilities ?? {};
    return {
      answer: voice?.webhooks.answer_url.address ?? '',
      status: voice?.webhooks.event_url.address ?? '',
      message: messages?.webhooks.inbound_url.address ?? '',
    };
  }

  readonly handle = (request: OperatorRequest): OperatorAnswer => {
    const authorization = `Basic ${Buffer.from(`${API_KEY}:${API_SECRET}`).toString('base64')}`;
    if (request.headers.authorization !== authorization) return done(401, '401', 'authentication failed');
    const { pathname, searchParams } = new URL(request.path, 'http://operator');
    const type = String(request.headers['content-type']);
    switch (`${request.method} ${pathname}`) {
      case 'GET /api/v2/applications':
        return this.#listApplications(searchParams);
      case 'POST /api/v2/applications':
        return type === 'application/json'
          ? this.#createApplication(readJson(request.body))
          : done(415, '415', '');
      case 'POST /api/v1/messages':
        return type === 'application/json' ? this.#send(readJson(request.body)) : done(415, '415', '');
      case 'GET /rest/number/search':
        return this.#search(searchParams);
      case 'GET /rest/account/numbers':
        return this.#list(searchParams);
      default:
        return this.#form(`${request.method} ${pathname}`, type, request.body);
    }
  };

  #form(route: string, type: string, body: string): OperatorAnswer {
    if (!type.startsWith('application/x-www-form-urlencoded'))
      return done(420, '420', 'Bad Content-Type header');
    const { country, msisdn = '', ...rest } = Object.fromEntries(new URLSearchParams(body));
    if (country !== 'US') return done(420, '420', 'method failed');
    switch (route) {
      case 'POST /rest/number/buy':
        return Object.keys(rest).length === 0 ? this.#buy(msisdn) : done(420, '420', 'unknown parameter');
      case 'POST /rest/number/update': {
        if (!this.held.has(msisdn)) return done(420, '420', 'method failed');
        if (!Object.keys(rest).every((key) => CONFIGURABLE.has(key)))
          return done(420, '420', 'unknown parameter');
        if (rest.app_id && !this.applications.some((each) => each.id === rest.app_id)) {
          return done(420, '420', 'no such application');
        }
        this.held.set(msisdn, rest);
        return done(200, '200', 'success');
      }
      case 'POST /rest/number/cancel':
        return this.held.delete(msisdn) ? done(200, '200', 'success') : done(420, '420', 'method failed');
      default:
        return done(404, '404', 'not found');
    }
  }

  #buy(msisdn: string): OperatorAnswer {
    const at = this.onSale.indexOf(msisdn);
    if (at < 0) return done(420, '420', 'method failed');
    this.onSale.splice(at, 1);
    this.held.set(msisdn, {});
    return done(200, '200', 'success');
  }

  #search(query: URLSearchParams): OperatorAnswer {
    const size = Number(query.get('size'));
    if (query.get('features') !== 'VOICE' || size < 1 || size > PAGE_LENGTH_MAXIMUM)
      return done(420, '420', 'bad');
    if (query.get('country') !== 'US') return json(200, {});
    const numbers = this.onSale.slice(0, size).map((msisdn) => ({
      country: 'US',
      msisdn,
      cost: '0.67',
      type: 'mobile-lvn',
      features: ['VOICE', 'SMS'],
    }));
    return json(200, { count: this.onSale.length, numbers });
  }

  #list(query: URLSearchParams): OperatorAnswer {
    const [size, index] = [Number(query.get('size')), Number(query.get('index'))];
    if (size > PAGE_LENGTH_MAXIMUM || index < 1) return done(420, '420', 'bad');
    const found = [...this.held].filter(([msisdn]) => msisdn.startsWith(query.get('pattern') ?? ''));
    if (found.length === 0) return json(200, {});
    const numbers = found.slice((index - 1) * size, index * size).map(([msisdn, configuration]) => ({
      country: 'US',
      msisdn,
      type: 'mobile-lvn',
      features: ['SMS', 'VOICE'],
      ...configuration,
    }));
    return json(200, { count: found.length, numbers });
  }

  #listApplications(query: URLSearchParams): OperatorAnswer {
    const [size, page] = [Number(query.get('page_size')), Number(query.get('page'))];
    const applications = this.applications.slice((page - 1) * size, page * size);
    return json(200, {
      page_size: size,
      page,
      total_items: this.applications.length,
      total_pages: Math.ceil(this.applications.length / size),
      _embedded: { applications },
    });
  }

  #createApplication(body: unknown): OperatorAnswer {
    if (!Value.Check(ApplicationRequest, body)) return json(400, { title: 'Bad Request', status: 400 });
    const id = `78d335fa-323d-0114-9c3d-${String(this.applications.length).padStart(12, '0')}`;
    this.applications.push({ ...body, id });
    return json(201, { ...body, id, keys: { public_key: '' } });
  }

  #send(body: unknown): OperatorAnswer {
    if (!Value.Check(MessageRequest, body)) return json(422, { title: 'Invalid params', status: 422 });
    this.sent.push(body);
    return json(202, { message_uuid: 'aaaaaaaa-bbbb-cccc-dddd-0123456789ab' });
  }
}

function done(status: number, code: string, label: string): OperatorAnswer {
  return json(status, { 'error-code': code, 'error-code-label': label });
}

function json(status: number, body: object): OperatorAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
