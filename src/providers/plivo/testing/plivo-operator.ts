import Type from 'typebox';
import { Value } from 'typebox/value';
import type { OperatorAnswer, OperatorRequest } from '../../conformance-gateway.ts';
import type { WebhookUrls } from '../../provider.ts';

export const AUTH_ID = 'MATESTTESTTESTTEST00';
export const AUTH_TOKEN = 'TheAuthTokenOfTheAccountInTheTests000000';

const PAGE_LENGTH_MAXIMUM = 20;

const ApplicationRequest = Type.Object(
  {
    app_name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,60}$' }),
    answer_url: Type.String({ pattern: '^https://[^?#]+$' }),
    answer_method: Type.Literal('POST'),
    hangup_url: Type.String({ pattern: '^https://[^?#]+$' }),
    hangup_method: Type.Literal('POST'),
    message_url: Type.String({ pattern: '^https://[^?#]+$' }),
    message_method: Type.Literal('POST'),
    fallback_answer_url: Type.Optional(Type.String()),
    fallback_method: Type.Optional(Type.Literal('POST')),
  },
  { additionalProperties: false },
);
const BuyRequest = Type.Object(
  { app_id: Type.String(), compliance_application_id: Type.Optional(Type.String()) },
  { additionalProperties: false },
);
const LinkRequest = Type.Object({ app_id: Type.String() }, { additionalProperties: false });

type Application = Type.Static<typeof ApplicationRequest> & { readonly app_id: string };

/** Plays the part of `api.plivo.com` that the adapter needs, with the bodies of plivo-node 4.79.0's own mock. */
export class PlivoOperator {
  readonly applications: Application[] = [];
  readonly onSale: string[] = [];
  readonly held = new Map<string, { applicationId: string | null }>();
  /** call records by the uuid of the caller's leg, as the API would list them */
  readonly callRecords = new Map<string, object[]>();
  /** what the next purchase answers instead of `fulfilled` */
  purchaseStatus = 'fulfilled';
  /** whether a new number is linked to something else than what was asked, as an account's default can do */
  ignoresApplication = false;

  constructor() {
    for (const areaCode of [201, 202, 203, 205, 206, 207]) {
      for (let line = 100; line < 200; line++) this.onSale.push(`1${areaCode}5550${line}`);
    }
  }

  urlsOf(number: string): WebhookUrls {
    const { applicationId } = this.held.get(number) ?? {};
    const application = this.applications.find((each) => each.app_id === applicationId);
    return {
      answer: application?.answer_url ?? '',
      status: application?.hangup_url ?? '',
      message: application?.message_url ?? '',
    };
  }

  readonly handle = (request: OperatorRequest): OperatorAnswer => {
    const authorization = `Basic ${Buffer.from(`${AUTH_ID}:${AUTH_TOKEN}`).toString('base64')}`;
    if (request.headers.authorization !== authorization) {
      return { status: 401, body: 'Could not verify your access level for that URL.' };
    }
    const { pathname, searchParams } = new URL(request.path, 'http://operator');
    const [, resource, id, ...more] =
      /^\/v1\/Account\/MATESTTESTTESTTEST00\/([A-Za-z]+)\/(?:([^/]+)\/)?(.*)$/.exec(pathname) ?? [];
    if (more.join('') !== '') return notFound();
    const body = request.body === '' ? undefined : readJson(request);
    if (body === null) return answer(400, { error: 'The body is no JSON.' });
    return this.#route(
      `${request.method} ${resource}${id === undefined ? '' : '/:id'}`,
      id ?? '',
      searchParams,
      body,
    );
  };

  #route(route: string, id: string, query: URLSearchParams, body: unknown): OperatorAnswer {
    switch (route) {
      case 'GET Application':
        return page(query, this.applications.map(toApplicationBody));
      case 'POST Application':
        return this.#createApplication(body);
      case 'GET PhoneNumber':
        return this.#search(query);
      case 'POST PhoneNumber/:id':
        return this.#buy(id, body);
      case 'GET Number':
        return page(
          query,
          [...this.held.keys()].map((number) => this.#toHeldBody(number)),
        );
      case 'GET Number/:id':
        return this.held.has(id) ? answer(200, this.#toHeldBody(id)) : notFound();
      case 'POST Number/:id':
        return this.#link(id, body);
      case 'DELETE Number/:id':
        return this.held.delete(id) ? { status: 204 } : notFound();
      case 'GET Call':
        return page(query, this.callRecords.get(query.get('parent_call_uuid') ?? '') ?? []);
      default:
        return notFound();
    }
  }

  #createApplication(body: unknown): OperatorAnswer {
    if (!Value.Check(ApplicationRequest, body)) return answer(400, { error: 'A parameter is not valid.' });
    if (this.applications.some((each) => each.app_name === body.app_name)) {
      return answer(400, { error: 'app_name must be unique' });
    }
    const app_id = `2037263121278${1000 + this.applications.length}`;
    this.applications.push({ ...body, app_id });
    return answer(201, { message: 'created', app_id });
  }

  #search(query: URLSearchParams): OperatorAnswer {
    if (query.get('services') !== 'voice') return answer(400, { error: 'The test expects voice.' });
    const numbers = query.get('country_iso') === 'US' ? this.onSale : [];
    return page(
      query,
      numbers.map((number) => ({
        country: 'UNITED STATES',
        lata: 722,
        monthly_rental_rate: '0.80000',
        number,
        type: 'fixed',
        prefix: number.slice(1, 4),
        region: 'United States',
        resource_uri: `/v1/Account/${AUTH_ID}/PhoneNumber/${number}/`,
        restriction: null,
        setup_rate: '0.00000',
        sms_enabled: true,
        voice_enabled: true,
      })),
    );
  }

  #buy(number: string, body: unknown): OperatorAnswer {
    if (!Value.Check(BuyRequest, body)) return answer(400, { error: 'A parameter is not valid.' });
    if (!this.applications.some((each) => each.app_id === body.app_id)) {
      return answer(400, { error: 'app_id is not an application of this account' });
    }
    const at = this.onSale.indexOf(number);
    if (at < 0) return notFound();
    this.onSale.splice(at, 1);
    if (this.purchaseStatus === 'fulfilled') {
      this.held.set(number, { applicationId: this.ignoresApplication ? null : body.app_id });
    }
    const status = this.purchaseStatus;
    return answer(201, { message: 'created', numbers: [{ number, status: 'Success' }], status });
  }

  #link(number: string, body: unknown): OperatorAnswer {
    if (!Value.Check(LinkRequest, body)) return answer(400, { error: 'A parameter is not valid.' });
    const held = this.held.get(number);
    if (!held) return notFound();
    held.applicationId = body.app_id === '' ? null : body.app_id;
    return answer(202, { message: 'changed' });
  }

  #toHeldBody(number: string): object {
    const { applicationId } = this.held.get(number) ?? {};
    return {
      added_on: '2014-02-14',
      alias: null,
      application: applicationId ? `/v1/Account/${AUTH_ID}/Application/${applicationId}/` : null,
      carrier: 'Plivo',
      monthly_rental_rate: '0.80000',
      number,
      number_type: 'local',
      region: 'California, UNITED STATES',
      resource_uri: `/v1/Account/${AUTH_ID}/Number/${number}/`,
      sms_enabled: true,
      sub_account: null,
      voice_enabled: true,
    };
  }
}

function toApplicationBody({ app_id, ...application }: Application): object {
  return {
    ...application,
    app_id,
    default_app: false,
    enabled: true,
    public_uri: false,
    resource_uri: `/v1/Account/${AUTH_ID}/Application/${app_id}/`,
    sip_uri: `sip:${app_id}@app.plivo.com`,
    sub_account: null,
  };
}

function page(query: URLSearchParams, all: readonly object[]): OperatorAnswer {
  const limit = Number(query.get('limit') ?? PAGE_LENGTH_MAXIMUM);
  const offset = Number(query.get('offset') ?? 0);
  if (limit > PAGE_LENGTH_MAXIMUM) return answer(400, { error: 'limit is at most 20' });
  const next = offset + limit < all.length ? `?limit=${limit}&offset=${offset + limit}` : null;
  const meta = { limit, next, offset, previous: null, total_count: all.length };
  return answer(200, { meta, objects: all.slice(offset, offset + limit) });
}

function notFound(): OperatorAnswer {
  return answer(404, { error: 'not found' });
}

function answer(status: number, body: object): OperatorAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ api_id: '114de006-1c95-11e4-8a4a-123140008edf', ...body }),
  };
}

/** null for what is no JSON, or does not say that it is. */
function readJson({ headers, body }: OperatorRequest): unknown {
  if (!String(headers['content-type']).startsWith('application/json')) return null;
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
