import { CloudEvent, Kafka } from 'cloudevents';
import { parseBoundedJson } from './bounded-json.ts';
import type { BusMessage } from './bus.ts';

/** Bytes of a value that is looked at. Ours have under 10 kB. */
export const EVENT_BYTES_MAXIMUM = 256 * 1024;
/** Characters of `id`, `source`, `type` and `subject`: they become parts of keys in the database. */
export const EVENT_ATTRIBUTE_LENGTH_MAXIMUM = 200;
/** Levels of objects and arrays, the event itself included. Ours have four. */
const DEPTH_MAXIMUM = 16;
const STRUCTURED = 'application/cloudevents+json';

/** The attributes of CloudEvents 1.0 that we use. `data` is parsed JSON of any shape. */
export interface DecodedEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string | null;
  /** milliseconds since the epoch; null when the event does not say */
  readonly time: number | null;
  readonly data: unknown;
}

export type EventRefusal = 'too_large' | 'not_a_cloud_event';

export type DecodeResult =
  | { readonly ok: true; readonly event: DecodedEvent }
  /** `detail` is for people, and quotes nothing of the event: whatever is broken may hold a phone number */
  | { readonly ok: false; readonly reason: EventRefusal; readonly detail: string };

interface Attributes {
  specversion?: unknown;
  id?: unknown;
  source?: unknown;
  type?: unknown;
  subject?: unknown;
  time?: unknown;
  datacontenttype?: unknown;
  dataschema?: unknown;
  data?: unknown;
}

/**
 * Reads a CloudEvents 1.0 event in structured JSON mode or in binary mode (`ce_…` headers, JSON in the value).
 * It never throws, whatever the bytes.
 *
 * The attributes are read here and only then judged by the `cloudevents` package: its own reader makes up an
 * id where there is none, which would defeat the inbox, and reads a missing `time` as an error.
 */
export function decodeCloudEvent(message: Pick<BusMessage, 'value' | 'headers'>): DecodeResult {
  if (message.value.byteLength > EVENT_BYTES_MAXIMUM) {
    return refuse('too_large', `The value has more than ${EVENT_BYTES_MAXIMUM} bytes.`);
  }
  const value = parseBoundedJson(message.value, DEPTH_MAXIMUM);
  if (value === undefined) {
    return refuse('not_a_cloud_event', `The value is not UTF-8 JSON of at most ${DEPTH_MAXIMUM} levels.`);
  }
  const attributes = isBinaryMode(message.headers)
    ? binaryAttributes(message.headers, value)
    : structuredAttributes(value);
  if (!attributes) return refuse('not_a_cloud_event', 'The value is not an object with `specversion`.');
  return judge(attributes);
}

function judge(attributes: Attributes): DecodeResult {
  if (attributes.specversion !== '1.0')
    return refuse('not_a_cloud_event', 'Attribute `specversion` is not 1.0.');
  const { id, source, type } = attributes;
  if (!isAttribute(id)) return missing('id');
  if (!isAttribute(source)) return missing('source');
  if (!isAttribute(type)) return missing('type');
  const subject = attributes.subject ?? null;
  if (subject !== null && !isAttribute(subject)) return missing('subject');
  const time = attributes.time ?? null;
  const instant = time === null ? null : parseTime(time);
  if (Number.isNaN(instant)) return refuse('not_a_cloud_event', 'Attribute `time` is not RFC 3339.');
  const { datacontenttype, dataschema } = attributes;
  if (!isJsonType(datacontenttype)) {
    return refuse('not_a_cloud_event', 'Attribute `datacontenttype` is not application/json.');
  }
  if (dataschema !== undefined && !isAttribute(dataschema)) return missing('dataschema');
  try {
    const base = { specversion: '1.0', id, source, type, time: '1970-01-01T00:00:00.000Z' };
    new CloudEvent({ ...base, ...(subject && { subject }), ...(dataschema && { dataschema }) }, true);
  } catch {
    return refuse('not_a_cloud_event', 'An attribute breaks the schema of CloudEvents 1.0.');
  }
  return { ok: true, event: { id, source, type, subject, time: instant, data: attributes.data } };
}

function refuse(reason: EventRefusal, detail: string): DecodeResult {
  return { ok: false, reason, detail };
}

function missing(attribute: string): DecodeResult {
  return refuse(
    'not_a_cloud_event',
    `Attribute \`${attribute}\` is not text of 1 to ${EVENT_ATTRIBUTE_LENGTH_MAXIMUM} printable characters.`,
  );
}

function isBinaryMode(headers: Readonly<Record<string, string>>): boolean {
  // The Kafka binding tells the modes apart by the content type first.
  if (/^application\/cloudevents/i.test(ownText(headers, 'content-type') ?? '')) return false;
  return ownText(headers, 'ce_specversion') !== undefined || ownText(headers, 'ce_id') !== undefined;
}

function structuredAttributes(value: unknown): Attributes | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  // Own properties only: what an event says about `__proto__` or `constructor` is never followed.
  const own = (name: string): unknown => (Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined);
  if (own('specversion') === undefined) return null;
  return {
    specversion: own('specversion'),
    id: own('id'),
    source: own('source'),
    type: own('type'),
    subject: own('subject'),
    time: own('time'),
    datacontenttype: own('datacontenttype'),
    dataschema: own('dataschema') ?? undefined,
    data: own('data'),
  };
}

function binaryAttributes(headers: Readonly<Record<string, string>>, value: unknown): Attributes {
  return {
    specversion: ownText(headers, 'ce_specversion'),
    id: ownText(headers, 'ce_id'),
    source: ownText(headers, 'ce_source'),
    type: ownText(headers, 'ce_type'),
    subject: ownText(headers, 'ce_subject'),
    time: ownText(headers, 'ce_time'),
    datacontenttype: ownText(headers, 'content-type'),
    dataschema: ownText(headers, 'ce_dataschema'),
    data: value,
  };
}

function ownText(headers: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(headers, name) ? headers[name] : undefined;
}

function isAttribute(value: unknown): value is string {
  if (typeof value !== 'string' || value.length === 0 || value.length > EVENT_ATTRIBUTE_LENGTH_MAXIMUM)
    return false;
  // The specification forbids control characters and half surrogates; PostgreSQL refuses NUL besides.
  return value.isWellFormed() && !/\p{Cc}/u.test(value);
}

function isJsonType(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return (
    typeof value === 'string' && value.length <= 100 && /^application\/(?:[\w.+-]+\+)?json\b/i.test(value)
  );
}

const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** Milliseconds, or NaN. */
function parseTime(time: unknown): number {
  if (typeof time !== 'string' || !RFC_3339.test(time)) return Number.NaN;
  const instant = Date.parse(time.toUpperCase());
  // Date.parse turns 30 February into 2 March; RFC 3339 has no such day.
  const day = Number(time.slice(8, 10));
  const daysOfMonth = new Date(Date.UTC(Number(time.slice(0, 4)), Number(time.slice(5, 7)), 0)).getUTCDate();
  return day > daysOfMonth ? Number.NaN : instant;
}

export interface EventToEncode {
  /** unique within `source`; what consumers deduplicate by */
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** milliseconds since the epoch */
  readonly time: number;
  /** the key of the message: the order reference */
  readonly key: string;
  readonly subject?: string;
  readonly data: object;
}

/**
 * Writes an event in structured JSON mode.
 * @throws an error of the `cloudevents` package when an attribute breaks the specification: a programmer's error
 */
export function encodeCloudEvent(event: EventToEncode): BusMessage {
  const { id, source, type, data } = event;
  const cloudEvent = new CloudEvent({
    specversion: '1.0',
    id,
    source,
    type,
    time: new Date(event.time).toISOString(),
    datacontenttype: 'application/json',
    ...(event.subject !== undefined && { subject: event.subject }),
    data,
  });
  const { value } = Kafka.structured(cloudEvent);
  return {
    key: event.key,
    value: Buffer.from(String(value), 'utf8'),
    headers: { 'content-type': `${STRUCTURED}; charset=UTF-8` },
  };
}
