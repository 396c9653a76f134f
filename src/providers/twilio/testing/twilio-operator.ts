import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { toVirtualNumber, type VirtualNumber } from '../../../domain/virtual-number.ts';
import { invariant } from '../../../lib/assert.ts';
import type { OperatorAnswer, OperatorRequest } from '../../conformance-gateway.ts';
import type { WebhookUrls } from '../../provider.ts';

export interface TwilioOperatorOptions {
  readonly accountSid: string;
  /** user and password of REST */
  readonly user: string;
  readonly password: string;
  /** what comes before `/2010-04-01`, such as `/api/laml` */
  readonly prefix?: string;
  readonly numberTypes: readonly string[];
}

interface Held {
  readonly sid: string;
  readonly phoneNumber: VirtualNumber;
  readonly fields: Map<string, string>;
}

interface FakeCall {
  readonly sid: string;
  readonly status: string;
  readonly duration: string | null;
  readonly end_time: string | null;
  readonly parent_call_sid: string | null;
}

/** 21 area codes with 100 numbers of fiction each */
const AREA_CODES = [201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219]
  .concat([224, 225, 228, 229])
  .map(String);
const PAGE_SIZE_DEFAULT = 50;
const PAGE_SIZE_MAXIMUM = 1_000;

/**
 * Twilio's REST API as far as it sells numbers and tells of calls. It believes nothing: every request must be of
 * the right account and password, and name only parameters of the vendor's own library, which is generated from
 * the published OpenAPI files.
 */
export class TwilioOperator {
  readonly calls: FakeCall[] = [];
  readonly #options: TwilioOperatorOptions;
  readonly #root: string;
  readonly #held = new Map<string, Held>();
  #sids = 0;

  constructor(options: TwilioOperatorOptions) {
    this.#options = options;
    this.#root = `${options.prefix ?? ''}/2010-04-01/Accounts/${options.accountSid}`;
  }

  /** a number that exists, and that this operator does not have */
  readonly notOnSale: VirtualNumber = virtual('+16465550150');

  sell(count: number): void {
    for (const number of this.#onSale().slice(0, count)) this.#add(number, new URLSearchParams());
  }

  held(): ReadonlyMap<string, WebhookUrls> {
    const urls = [...this.#held.values()].map(({ phoneNumber, fields }): [string, WebhookUrls] => [
      phoneNumber,
      {
        // An application or a trunk wins over the URL.
        answer: fields.get('VoiceApplicationSid') || fields.get('TrunkSid') || fields.get('VoiceUrl') || '',
        status: fields.get('StatusCallback') ?? '',
        message: fields.get('SmsApplicationSid') || fields.get('SmsUrl') || '',
      },
    ]);
    return new Map(urls);
  }

  /** everything that was set on a number, for tests that look closer */
  fieldsOf(number: string): ReadonlyMap<string, string> {
    const held = [...this.#held.values()].find((each) => each.phoneNumber === number);
    return held?.fields ?? new Map();
  }

  setField(number: string, field: string, value: string): void {
    for (const held of this.#held.values()) if (held.phoneNumber === number) held.fields.set(field, value);
  }

  readonly answer = (request: OperatorRequest): OperatorAnswer => {
    const { user, password } = this.#options;
    const expected = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    if (request.headers.authorization !== expected) return error(401, 20003, 'Authenticate');
    const url = new URL(request.path, 'http://operator.test');
    if (!url.pathname.startsWith(`${this.#root}/`)) return notFound(url.pathname);
    const resource = url.pathname.slice(this.#root.length + 1);
    const available = /^AvailablePhoneNumbers\/([A-Z]{2})\/([A-Za-z]+)\.json$/.exec(resource);
    if (available && request.method === 'GET') {
      return this.#search(available[1] ?? '', available[2] ?? '', url);
    }
    if (resource === 'IncomingPhoneNumbers.json') {
      if (request.method === 'GET') return this.#list(url);
      if (request.method === 'POST') return this.#buy(request);
    }
    const sid = /^IncomingPhoneNumbers\/([^/]+)\.json$/.exec(resource)?.[1];
    if (sid !== undefined) return this.#one(decodeURIComponent(sid), request, url);
    if (request.method === 'GET' && resource === 'Calls.json') return this.#listCalls(url);
    const callSid = /^Calls\/([^/]+)\.json$/.exec(resource)?.[1];
    if (callSid !== undefined && request.method === 'GET') {
      const call = this.calls.find((each) => each.sid === callSid);
      return call ? json(200, call) : notFound(url.pathname);
    }
    return notFound(url.pathname);
  };

  #search(country: string, type: string, url: URL): OperatorAnswer {
    assertParameters([...url.searchParams.keys()], 'availablePhoneNumberCountry/local.js');
    if (country !== 'US' || !this.#options.numberTypes.includes(type)) return notFound(url.pathname);
    const size = Number(url.searchParams.get('PageSize') ?? PAGE_SIZE_DEFAULT);
    const found = this.#onSale().slice(0, Math.min(size, PAGE_SIZE_MAXIMUM));
    return json(200, {
      uri: url.pathname + url.search,
      available_phone_numbers: found.map((number) => ({
        friendly_name: number,
        phone_number: number,
        lata: '132',
        locality: 'New York',
        rate_center: 'NWYRCYZN01',
        latitude: null,
        longitude: null,
        region: 'NY',
        postal_code: null,
        iso_country: 'US',
        address_requirements: 'none',
        beta: false,
        capabilities: { voice: true, SMS: true, MMS: false, fax: false },
      })),
    });
  }

  #buy(request: OperatorRequest): OperatorAnswer {
    const form = readForm(request, 'incomingPhoneNumber.js');
    const number = form.get('PhoneNumber') ?? '';
    if (!/^\+[1-9][0-9]{6,14}$/.test(number)) return error(400, 21421, `PhoneNumber ${number} is invalid`);
    const onSale = this.#onSale().find((each) => each === number);
    if (!onSale) return error(400, 21422, `${number} is not available.`);
    return json(201, this.#toBody(this.#add(onSale, form)));
  }

  #one(sid: string, request: OperatorRequest, url: URL): OperatorAnswer {
    const held = this.#held.get(sid);
    if (!held) return notFound(url.pathname);
    if (request.method === 'DELETE') {
      this.#held.delete(sid);
      return { status: 204 };
    }
    if (request.method === 'POST') {
      for (const [name, value] of readForm(request, 'incomingPhoneNumber.js')) held.fields.set(name, value);
    }
    return json(200, this.#toBody(held));
  }

  #list(url: URL): OperatorAnswer {
    assertParameters([...url.searchParams.keys()], 'incomingPhoneNumber.js');
    const size = Math.min(Number(url.searchParams.get('PageSize') ?? PAGE_SIZE_DEFAULT), PAGE_SIZE_MAXIMUM);
    const page = Number(url.searchParams.get('Page') ?? 0);
    const all = [...this.#held.values()];
    const next = `${url.pathname}?PageSize=${size}&Page=${page + 1}&PageToken=PAPN${page + 1}`;
    return json(200, {
      uri: url.pathname + url.search,
      first_page_uri: `${url.pathname}?PageSize=${size}&Page=0`,
      next_page_uri: all.length > (page + 1) * size ? next : null,
      previous_page_uri: null,
      page,
      page_size: size,
      start: page * size,
      end: Math.min(all.length, (page + 1) * size) - 1,
      incoming_phone_numbers: all.slice(page * size, (page + 1) * size).map((held) => this.#toBody(held)),
    });
  }

  #listCalls(url: URL): OperatorAnswer {
    assertParameters([...url.searchParams.keys()], 'call.js');
    const parent = url.searchParams.get('ParentCallSid');
    const calls = this.calls.filter((each) => parent === null || each.parent_call_sid === parent);
    return json(200, { calls, page: 0, page_size: 20, next_page_uri: null, uri: url.pathname + url.search });
  }

  #onSale(): readonly VirtualNumber[] {
    const held = new Set([...this.#held.values()].map((each) => each.phoneNumber));
    return AREA_CODES.flatMap((area) =>
      [...Array(100).keys()].map((n) => virtual(`+1${area}5550${100 + n}`)),
    ).filter((number) => !held.has(number));
  }

  #add(phoneNumber: VirtualNumber, form: URLSearchParams): Held {
    const sid = `PN${String(++this.#sids).padStart(32, '0')}`;
    const fields = new Map([...form].filter(([name]) => name !== 'PhoneNumber'));
    const held = { sid, phoneNumber, fields };
    this.#held.set(sid, held);
    return held;
  }

  #toBody({ sid, phoneNumber, fields }: Held): object {
    const text = (name: string): string => fields.get(name) ?? '';
    return {
      sid,
      account_sid: this.#options.accountSid,
      friendly_name: text('FriendlyName') || phoneNumber,
      phone_number: phoneNumber,
      voice_url: text('VoiceUrl'),
      voice_method: text('VoiceMethod') || 'POST',
      voice_fallback_url: text('VoiceFallbackUrl') || null,
      voice_fallback_method: text('VoiceFallbackMethod') || 'POST',
      voice_application_sid: text('VoiceApplicationSid') || null,
      voice_caller_id_lookup: false,
      voice_receive_mode: 'voice',
      trunk_sid: text('TrunkSid') || null,
      sms_url: text('SmsUrl'),
      sms_method: text('SmsMethod') || 'POST',
      sms_fallback_url: text('SmsFallbackUrl'),
      sms_fallback_method: 'POST',
      sms_application_sid: text('SmsApplicationSid'),
      status_callback: text('StatusCallback'),
      status_callback_method: text('StatusCallbackMethod') || 'POST',
      capabilities: { voice: true, sms: true, mms: false, fax: false },
      address_requirements: 'none',
      address_sid: text('AddressSid') || null,
      bundle_sid: text('BundleSid') || null,
      identity_sid: text('IdentitySid') || null,
      api_version: '2010-04-01',
      beta: false,
      origin: 'twilio',
      status: 'in-use',
      type: 'local',
      emergency_status: 'Inactive',
      emergency_address_sid: null,
      date_created: 'Thu, 01 Jan 2026 00:00:00 +0000',
      date_updated: 'Thu, 01 Jan 2026 00:00:00 +0000',
      uri: `${this.#root}/IncomingPhoneNumbers/${sid}.json`,
      subresource_uris: { assigned_add_ons: `${this.#root}/IncomingPhoneNumbers/${sid}/AssignedAddOns.json` },
    };
  }
}

function readForm(request: OperatorRequest, source: string): URLSearchParams {
  const type = request.headers['content-type'];
  invariant(type === 'application/x-www-form-urlencoded', 'the body of a request is not declared as a form');
  const form = new URLSearchParams(request.body);
  assertParameters([...form.keys()], source);
  return form;
}

function assertParameters(names: readonly string[], source: string): void {
  const known = parametersOf(source);
  for (const name of names) invariant(known.has(name), `${source} of the vendor's library knows no ${name}`);
  invariant(new Set(names).size === names.length, 'a parameter comes twice');
}

const parameters = new Map<string, ReadonlySet<string>>();

/** The parameters that the vendor's library sends for a resource. */
function parametersOf(source: string): ReadonlySet<string> {
  let known = parameters.get(source);
  if (!known) {
    const entry = createRequire(import.meta.url).resolve('twilio');
    const file = path.join(path.dirname(entry), 'rest/api/v2010/account', source);
    known = new Set(
      [...readFileSync(file, 'utf8').matchAll(/data\["(\w+)"\]/g)].map((match) => match[1] ?? ''),
    );
    invariant(known.size > 5, `${source} of the vendor's library names no parameters`);
    parameters.set(source, known);
  }
  return known;
}

function virtual(text: string): VirtualNumber {
  const number = toVirtualNumber(text);
  invariant(number, 'a number of the operator does not parse');
  return number;
}

function notFound(pathname: string): OperatorAnswer {
  return error(404, 20404, `The requested resource ${pathname} was not found`);
}

function error(status: number, code: number, message: string): OperatorAnswer {
  return json(status, { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status });
}

function json(status: number, body: object): OperatorAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
