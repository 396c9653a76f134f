import { CloudEvent, Kafka } from 'cloudevents';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BusMessage } from './bus.ts';
import { decodeCloudEvent, EVENT_BYTES_MAXIMUM, encodeCloudEvent } from './cloud-events.ts';

const TIME = '2026-01-01T00:00:00.000Z';
const attributes = { specversion: '1.0', id: 'e1', source: '/orders', type: 'order.completed', time: TIME };

function structured(event: unknown): Pick<BusMessage, 'value' | 'headers'> {
  return text(JSON.stringify(event));
}

function text(json: string): Pick<BusMessage, 'value' | 'headers'> {
  return { value: Buffer.from(json), headers: { 'content-type': 'application/cloudevents+json' } };
}

describe('decodeCloudEvent', () => {
  it('reads structured JSON mode, with or without a content type', () => {
    const message = structured({ ...attributes, subject: 'o1', data: { orderId: 'o1' } });
    const event = {
      id: 'e1',
      source: '/orders',
      type: 'order.completed',
      subject: 'o1',
      time: Date.parse(TIME),
      data: { orderId: 'o1' },
    };
    expect(decodeCloudEvent(message)).toEqual({ ok: true, event });
    expect(decodeCloudEvent({ ...message, headers: {} })).toEqual({ ok: true, event });
  });

  it('reads binary mode', () => {
    const headers = {
      ce_specversion: '1.0',
      ce_id: 'e1',
      ce_source: '/orders',
      ce_type: 'order.completed',
      ce_time: TIME,
      'content-type': 'application/json; charset=utf-8',
    };
    const result = decodeCloudEvent({ value: Buffer.from('{"orderId":"o1"}'), headers });
    expect(result).toMatchObject({ ok: true, event: { id: 'e1', data: { orderId: 'o1' }, subject: null } });
  });

  it('reads what the cloudevents package writes in either mode', () => {
    const written = new CloudEvent({ ...attributes, datacontenttype: 'application/json', data: { a: 1 } });
    for (const mode of ['structured', 'binary'] as const) {
      const { headers, value } = Kafka[mode](written);
      const texts = Object.fromEntries(Object.entries(headers).map(([name, v]) => [name, String(v)]));
      for (const [name, v] of Object.entries(headers)) if (v === undefined) delete texts[name];
      const body = typeof value === 'string' ? value : JSON.stringify(value);
      const result = decodeCloudEvent({ value: Buffer.from(body), headers: texts });
      expect(result, mode).toMatchObject({ ok: true, event: { id: 'e1', data: { a: 1 } } });
    }
  });

  it('takes an event without a time, and says so', () => {
    const { time: _, ...timeless } = attributes;
    expect(decodeCloudEvent(structured(timeless))).toMatchObject({ ok: true, event: { time: null } });
  });

  it.each([
    ['2026-01-01T05:30:00+05:30', TIME],
    ['2026-01-01t00:00:00z', TIME],
    ['2026-01-01T00:00:00.123456789Z', '2026-01-01T00:00:00.123Z'],
  ])('reads the RFC 3339 time %s', (time, expected) => {
    const result = decodeCloudEvent(structured({ ...attributes, time }));
    expect(result).toMatchObject({ ok: true, event: { time: Date.parse(expected) } });
  });

  it.each([
    ['truncated JSON', text('{"specversion":"1.0","id":')],
    ['not an object', text('[1]')],
    ['a number', text('7')],
    ['nothing', text('')],
    ['another version', structured({ ...attributes, specversion: '0.3' })],
    ['no version', structured({ ...attributes, specversion: undefined })],
    ['no id', structured({ ...attributes, id: undefined })],
    ['an empty id', structured({ ...attributes, id: '' })],
    ['an id of 201 characters', structured({ ...attributes, id: 'x'.repeat(201) })],
    ['an id with NUL', structured({ ...attributes, id: 'a\0b' })],
    ['an id with half a surrogate', text(JSON.stringify(attributes).replace('e1', '\\ud800'))],
    ['a number as id', structured({ ...attributes, id: 7 })],
    ['no source', structured({ ...attributes, source: undefined })],
    ['a source of 201 characters', structured({ ...attributes, source: 'x'.repeat(201) })],
    ['no type', structured({ ...attributes, type: null })],
    ['a day that is none', structured({ ...attributes, time: '2026-02-30T00:00:00Z' })],
    ['a time without a zone', structured({ ...attributes, time: '2026-01-01T00:00:00' })],
    ['a time as a number', structured({ ...attributes, time: 1 })],
    ['data that is XML', structured({ ...attributes, datacontenttype: 'application/xml' })],
    ['attributes on the prototype', text('{"__proto__":{"specversion":"1.0","id":"x"},"data":{}}')],
    ['deep nesting', text(`{"specversion":"1.0","data":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)],
    ['invalid UTF-8', { value: Uint8Array.of(0x22, 0xc3, 0x28, 0x22), headers: {} }],
  ])('refuses %s', (_, message) => {
    expect(decodeCloudEvent(message)).toMatchObject({ ok: false, reason: 'not_a_cloud_event' });
  });

  it('does not look at a value above the limit', () => {
    const atLimit = `${' '.repeat(EVENT_BYTES_MAXIMUM - JSON.stringify(attributes).length)}${JSON.stringify(attributes)}`;
    expect(decodeCloudEvent(text(atLimit))).toMatchObject({ ok: true });
    expect(decodeCloudEvent(text(`${atLimit} `))).toMatchObject({ ok: false, reason: 'too_large' });
  });

  it('never quotes what it refuses', () => {
    const number = '+12025550123';
    const message = structured({ ...attributes, time: number, [number]: number, data: number });
    const result = decodeCloudEvent(message);
    expect(result.ok).toBe(false);
    expect(JSON.stringify(result)).not.toContain('2025550123');
  });

  it('never throws and never pollutes a prototype, whatever the bytes and headers', () => {
    const hostile = fc.constantFrom(
      '__proto__',
      'constructor',
      'prototype',
      'toString',
      'data',
      'id',
      'time',
    );
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        fc.constantFrom(null, true, -0, 'x', '\ud800', TIME),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.oneof(hostile, fc.string()), tie('value'), { maxKeys: 4, noNullPrototype: false }),
      ),
    })).value;
    const value = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      json.map((v) => Buffer.from(JSON.stringify(v) ?? '')),
      json.map((v) => Buffer.from(JSON.stringify({ ...attributes, data: v, extra: v }))),
      fc.record({ at: fc.nat(120), byte: fc.nat(255) }).map(({ at, byte }) => {
        const bytes = Buffer.from(JSON.stringify(attributes));
        bytes[at % bytes.length] = byte;
        return bytes;
      }),
    );
    const names = fc.constantFrom(
      'ce_id',
      'ce_specversion',
      'ce_type',
      'ce_source',
      'ce_time',
      'content-type',
    );
    const headers = fc.dictionary(fc.oneof(names, hostile), fc.string({ unit: 'binary' }), { maxKeys: 6 });
    fc.assert(
      fc.property(value, headers, (v, h) => {
        const result = decodeCloudEvent({ value: v, headers: h });
        if (result.ok) expect(result.event.id.length).toBeGreaterThan(0);
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('encodeCloudEvent', () => {
  it('writes what decodeCloudEvent reads', () => {
    const data = { orderId: 'o1', name: 'Ωμέγα' };
    const event = { id: 'e1', source: 'maskline', type: 'session.opened', time: Date.parse(TIME), data };
    const message = encodeCloudEvent({ ...event, key: 'o1' });
    expect(message.key).toBe('o1');
    expect(message.headers).toEqual({ 'content-type': 'application/cloudevents+json; charset=UTF-8' });
    expect(decodeCloudEvent(message)).toEqual({ ok: true, event: { ...event, subject: null } });
  });

  it('refuses an event that breaks the specification', () => {
    expect(() =>
      encodeCloudEvent({ id: 'e1', source: '', type: 't', time: 0, key: 'k', data: {} }),
    ).toThrow();
  });
});
