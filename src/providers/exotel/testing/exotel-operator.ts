import { toVirtualNumber, type VirtualNumber } from '../../../domain/virtual-number.ts';
import { invariant } from '../../../lib/assert.ts';
import type { OperatorAnswer, OperatorRequest } from '../../conformance-gateway.ts';
import type { WebhookUrls } from '../../provider.ts';

interface Held {
  readonly sid: string;
  readonly phoneNumber: VirtualNumber;
  voiceUrl: string;
  smsUrl: string;
}

export interface ExotelOperatorOptions {
  readonly accountSid: string;
  readonly apiKey: string;
  readonly apiToken: string;
  /** the flows that were built in the dashboard, and where their applets ask */
  readonly flows: ReadonlyMap<string, WebhookUrls>;
}

const PAGE_SIZE_DEFAULT = 50;
const AREA_CODES = ['201', '202', '203', '205', '206', '207', '208', '209', '210', '212'];

/** The parameters that Exotel's documents name, by resource. Exotel publishes no schema and no library. */
const PARAMETERS = {
  buy: ['PhoneNumber', 'VoiceUrl', 'SMSUrl', 'FriendlyName'],
  change: ['VoiceUrl', 'SMSUrl', 'FriendlyName'],
  list: ['Page', 'PageSize'],
  search: ['IncomingSMS', 'InRegion', 'Contains'],
  call: ['details', 'RecordingUrlValidity'],
  text: [
    'From',
    'To',
    'Body',
    'EncodingType',
    'StatusCallback',
    'DltEntityId',
    'DltTemplateId',
    'SmsType',
  ].concat(['CustomField', 'Priority']),
} as const;

/** Exotel's REST API as far as it sells numbers, sends texts and tells of calls. It believes nothing. */
export class ExotelOperator {
  readonly texts: URLSearchParams[] = [];
  /** bodies of calls by their id */
  readonly calls = new Map<string, object>();
  readonly notOnSale: VirtualNumber = virtual('+16465550150');
  readonly #options: ExotelOperatorOptions;
  readonly #held = new Map<string, Held>();
  #sids = 0;

  constructor(options: ExotelOperatorOptions) {
    this.#options = options;
  }

  sell(count: number): void {
    for (const number of this.#onSale().slice(0, count)) this.#add(number, '', '');
  }

  held(): ReadonlyMap<string, WebhookUrls> {
    const nowhere = { answer: '', status: '', message: '' };
    return new Map(
      [...this.#held.values()].map((each) => [
        each.phoneNumber,
        this.#options.flows.get(each.voiceUrl) ?? nowhere,
      ]),
    );
  }

  /** the flows that a number is assigned to */
  flowsOf(number: string): readonly string[] {
    const held = [...this.#held.values()].find((each) => each.phoneNumber === number);
    return held ? [held.voiceUrl, held.smsUrl] : [];
  }

  assign(number: string, voiceUrl: string, smsUrl: string): void {
    for (const held of this.#held.values()) {
      if (held.phoneNumber === number) Object.assign(held, { voiceUrl, smsUrl });
    }
  }

  readonly answer = (request: OperatorRequest): OperatorAnswer => {
    const { accountSid, apiKey, apiToken } = this.#options;
    const expected = `Basic ${Buffer.from(`${apiKey}:${apiToken}`).toString('base64')}`;
    if (request.headers.authorization !== expected)
      return error(401, 'Authentication failed', 'UNAUTHORIZED');
    const url = new URL(request.path, 'http://operator.test');
    const [version, accounts, sid, resource = '', ...rest] = url.pathname.slice(1).split('/');
    if (accounts !== 'Accounts' || sid !== accountSid) return error(404, 'Account not found', 'NOT_FOUND');
    const call = `${request.method} ${version}/${resource}`;
    if (call === 'GET v2_beta/AvailablePhoneNumbers') return this.#search(rest, url);
    if (call === 'GET v1/Calls') return this.#call(rest, url);
    if (call === 'POST v1/Sms' && rest[0] === 'send.json') return this.#send(request);
    if (version !== 'v2_beta' || resource !== 'IncomingPhoneNumbers') {
      return error(404, 'Resource not found', 'NOT_FOUND');
    }
    const [id] = rest;
    if (id !== undefined) return this.#one(decodeURIComponent(id), request);
    if (request.method === 'GET') return this.#list(url);
    return request.method === 'POST' ? this.#buy(request) : error(405, 'Method not allowed', 'METHOD');
  };

  #search([country, type]: readonly string[], url: URL): OperatorAnswer {
    assertParameters(url.searchParams, PARAMETERS.search);
    if (country !== 'US' || type !== 'Landline') return error(404, 'No such country', 'NOT_FOUND');
    const found = this.#onSale().map((number) => ({
      phone_number: number,
      friendly_name: number,
      capabilities: { voice: true, sms: true },
      country: 'US',
      region: 'KA',
      number_type: 'Landline',
      rental_price: '499.000000',
      currency: 'INR',
    }));
    return json(200, found.slice(0, 300));
  }

  #buy(request: OperatorRequest): OperatorAnswer {
    const form = readForm(request, PARAMETERS.buy);
    const number = this.#onSale().find((each) => each === form.get('PhoneNumber'));
    if (!number) return error(404, 'PhoneNumber is not available', 'NOT_FOUND');
    return json(200, toBody(this.#add(number, form.get('VoiceUrl') ?? '', form.get('SMSUrl') ?? '')));
  }

  #one(sid: string, request: OperatorRequest): OperatorAnswer {
    const held = this.#held.get(sid);
    if (!held) return error(404, 'ExoPhone not found', 'NOT_FOUND');
    if (request.method === 'DELETE') {
      this.#held.delete(sid);
      return { status: 202 };
    }
    if (request.method === 'PUT') {
      const form = readForm(request, PARAMETERS.change);
      held.voiceUrl = form.get('VoiceUrl') ?? held.voiceUrl;
      held.smsUrl = form.get('SMSUrl') ?? held.smsUrl;
    }
    return json(200, toBody(held));
  }

  #list(url: URL): OperatorAnswer {
    assertParameters(url.searchParams, PARAMETERS.list);
    const size = Number(url.searchParams.get('PageSize') ?? PAGE_SIZE_DEFAULT);
    const page = Number(url.searchParams.get('Page') ?? 0);
    const all = [...this.#held.values()];
    // Exotel's pages name a host of its own, and not the one that was asked.
    const own = `http://twilix.exotel.com${url.pathname}`;
    return json(200, {
      page,
      page_size: size,
      uri: `${own}?Page=${page}&PageSize=${size}`,
      first_page_uri: `${own}?Page=0&PageSize=${size}`,
      next_page_uri: all.length > (page + 1) * size ? `${own}?Page=${page + 1}&PageSize=${size}` : null,
      previous_page_uri: null,
      incoming_phone_numbers: all.slice(page * size, (page + 1) * size).map(toBody),
    });
  }

  #call([file = '']: readonly string[], url: URL): OperatorAnswer {
    assertParameters(url.searchParams, PARAMETERS.call);
    const call = this.calls.get(decodeURIComponent(file).replace(/\.json$/, ''));
    return call ? json(200, { Call: call }) : error(404, 'Call not found', 'NOT_FOUND');
  }

  #send(request: OperatorRequest): OperatorAnswer {
    const form = readForm(request, PARAMETERS.text);
    for (const name of ['From', 'To', 'Body']) {
      if (!form.get(name)) return error(400, `Missing mandatory parameter ${name}`, 'BAD_REQUEST');
    }
    this.texts.push(form);
    return json(200, {
      SMSMessage: { Sid: `sms-${this.texts.length}`, Status: 'queued', To: form.get('To') },
    });
  }

  #onSale(): readonly VirtualNumber[] {
    const held = new Set([...this.#held.values()].map((each) => each.phoneNumber));
    return AREA_CODES.flatMap((area) =>
      [...Array(100).keys()].map((n) => virtual(`+1${area}5550${100 + n}`)),
    ).filter((number) => !held.has(number));
  }

  #add(phoneNumber: VirtualNumber, voiceUrl: string, smsUrl: string): Held {
    const sid = String(++this.#sids).padStart(32, 'e');
    const held = { sid, phoneNumber, voiceUrl, smsUrl };
    this.#held.set(sid, held);
    return held;
  }
}

function toBody({ sid, phoneNumber, voiceUrl, smsUrl }: Held): object {
  return {
    sid,
    phone_number: phoneNumber,
    friendly_name: phoneNumber,
    capabilities: { voice: true, sms: true },
    country: 'US',
    region: 'DL',
    number_type: 'Landline',
    rental_price: '499.000000',
    currency: 'INR',
    voice_url: voiceUrl || null,
    sms_url: smsUrl || null,
  };
}

function readForm(request: OperatorRequest, allowed: readonly string[]): URLSearchParams {
  const type = request.headers['content-type'];
  invariant(type === 'application/x-www-form-urlencoded', 'the body of a request is not declared as a form');
  const form = new URLSearchParams(request.body);
  assertParameters(form, allowed);
  return form;
}

function assertParameters(given: URLSearchParams, allowed: readonly string[]): void {
  for (const name of given.keys())
    invariant(allowed.includes(name), `Exotel's documents name no ${name} here`);
}

function virtual(text: string): VirtualNumber {
  const number = toVirtualNumber(text);
  invariant(number, 'a number of the operator does not parse');
  return number;
}

function error(status: number, message: string, code: string): OperatorAnswer {
  return json(status, { RestException: { Status: status, Message: message, Code: code } });
}

function json(status: number, body: unknown): OperatorAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
