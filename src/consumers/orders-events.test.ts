import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzzRuns } from '../lib/testing/fuzz-runs.ts';
import { PhoneNumber } from '../privacy/phone-number.ts';
import { readOrderEvent } from './orders-events.ts';

const TIME = '2026-01-01T00:00:00.000Z';
const RECEIVED_AT = Date.parse('2026-01-02T00:00:00.000Z');

function read(type: string, data: unknown, attributes: object = {}) {
  const event = { specversion: '1.0', id: 'e1', source: '/orders', type, time: TIME, data, ...attributes };
  return readOrderEvent({ value: Buffer.from(JSON.stringify(event)), headers: {} }, RECEIVED_AT);
}

const customer = { role: 'customer', userId: 'c1' };
const driver = { role: 'driver', userId: 'd1', realNumber: '+12025550123' };
const assigned = { orderId: 'o1', pool: 'city', assignment: 3, participants: [customer, driver] };
const base = { eventId: 'e1', source: '/orders', occurredAt: Date.parse(TIME), orderId: 'o1' };

describe('readOrderEvent', () => {
  it('reads each type of event', () => {
    expect(read('order.placed', { orderId: 'o1', pool: 'city', customerId: 'c1' })).toEqual({
      ok: true,
      event: { type: 'order.placed', ...base, pool: 'city', customerId: 'c1' },
    });
    for (const type of ['order.completed', 'order.cancelled']) {
      expect(read(type, { orderId: 'o1' })).toEqual({ ok: true, event: { type, ...base } });
    }
    const result = read('order.driver_assigned', assigned);
    expect(result).toMatchObject({
      ok: true,
      event: {
        type: 'order.driver_assigned',
        ...base,
        pool: 'city',
        assignment: 3,
        participants: [
          { role: 'customer', userId: 'c1', realNumber: null },
          { role: 'driver', userId: 'd1', realNumber: expect.any(PhoneNumber) },
        ],
      },
    });
    if (result.ok && result.event.type === 'order.driver_assigned') {
      expect(result.event.participants[1]?.realNumber?.reveal()).toBe('+12025550123');
    }
    expect(JSON.stringify(result)).not.toContain('2025550123');
  });

  it('takes the time of the event, in milliseconds, as the assignment', () => {
    const { assignment: _, ...rest } = assigned;
    expect(read('order.driver_assigned', rest)).toMatchObject({
      ok: true,
      event: { assignment: Date.parse(TIME) },
    });
  });

  it('takes an event without a time, unless its assignment would depend on it', () => {
    const timeless = { time: undefined };
    expect(read('order.completed', { orderId: 'o1' }, timeless)).toMatchObject({
      ok: true,
      event: { occurredAt: RECEIVED_AT },
    });
    expect(read('order.driver_assigned', assigned, timeless)).toMatchObject({ ok: true });
    const { assignment: _, ...rest } = assigned;
    expect(read('order.driver_assigned', rest, timeless)).toMatchObject({
      ok: false,
      reason: 'invalid_data',
    });
  });

  it('takes a participant without a userId who brings a number', () => {
    const participants = [customer, { role: 'driver', realNumber: '+44 7700 900123' }];
    const result = read('order.driver_assigned', { ...assigned, participants });
    expect(result).toMatchObject({ ok: true, event: { participants: [{}, { userId: null }] } });
  });

  const eleven = Array.from({ length: 11 }, (_, i) => ({ role: 'helper', userId: `u${i}` }));
  it.each<[string, string, unknown, string]>([
    ['an unknown type', 'order.teleported', { orderId: 'o1' }, 'unknown_type'],
    ['a type of another case', 'Order.Placed', { orderId: 'o1' }, 'unknown_type'],
    ['no data', 'order.completed', undefined, 'invalid_data'],
    ['data that is a list', 'order.completed', [], 'invalid_data'],
    ['no orderId', 'order.completed', {}, 'invalid_data'],
    ['an orderId that is a number', 'order.completed', { orderId: 7 }, 'invalid_data'],
    ['an empty orderId', 'order.completed', { orderId: '' }, 'invalid_data'],
    ['an orderId of 129 characters', 'order.completed', { orderId: 'x'.repeat(129) }, 'invalid_data'],
    ['an orderId with NUL', 'order.completed', { orderId: 'a\0' }, 'invalid_data'],
    ['an orderId with half a surrogate pair', 'order.completed', { orderId: 'a\ud800' }, 'invalid_data'],
    ['a phone number as orderId', 'order.completed', { orderId: '+12025550123' }, 'invalid_data'],
    ['an unknown field', 'order.completed', { orderId: 'o1', note: 'x' }, 'invalid_data'],
    ['no customerId', 'order.placed', { orderId: 'o1', pool: 'city' }, 'invalid_data'],
    [
      'a pool of 65 characters',
      'order.placed',
      { orderId: 'o1', pool: 'x'.repeat(65), customerId: 'c1' },
      'invalid_data',
    ],
    [
      'a phone number as customerId',
      'order.placed',
      { orderId: 'o1', pool: 'p', customerId: '+12025550123' },
      'invalid_data',
    ],
    ['one participant', 'order.driver_assigned', { ...assigned, participants: [driver] }, 'invalid_data'],
    ['eleven participants', 'order.driver_assigned', { ...assigned, participants: eleven }, 'invalid_data'],
    ['a fraction as assignment', 'order.driver_assigned', { ...assigned, assignment: 1.5 }, 'invalid_data'],
    ['a negative assignment', 'order.driver_assigned', { ...assigned, assignment: -1 }, 'invalid_data'],
    ['an unsafe assignment', 'order.driver_assigned', { ...assigned, assignment: 2 ** 53 }, 'invalid_data'],
    [
      'an unknown field of a participant',
      'order.driver_assigned',
      { ...assigned, participants: [customer, { ...driver, name: 'Ann' }] },
      'invalid_data',
    ],
    [
      'a participant whom nothing identifies',
      'order.driver_assigned',
      { ...assigned, participants: [customer, { role: 'driver' }] },
      'invalid_data',
    ],
    [
      'a phone number as userId',
      'order.driver_assigned',
      { ...assigned, participants: [customer, { role: 'driver', userId: '+12025550123' }] },
      'invalid_data',
    ],
    [
      'a realNumber that is a JSON number',
      'order.driver_assigned',
      { ...assigned, participants: [customer, { ...driver, realNumber: 12025550123 }] },
      'invalid_data',
    ],
    [
      'a realNumber of words',
      'order.driver_assigned',
      { ...assigned, participants: [customer, { ...driver, realNumber: 'anonymous' }] },
      'invalid_number',
    ],
    [
      'a national realNumber',
      'order.driver_assigned',
      { ...assigned, participants: [customer, { ...driver, realNumber: '2025550123' }] },
      'invalid_number',
    ],
  ])('refuses %s', (_, type, data, reason) => {
    expect(read(type, data)).toMatchObject({ ok: false, reason });
  });

  it('says where the data break the schema, and quotes nothing of theirs', () => {
    const participants = [{ ...customer, '+12025550123': '+12025550123' }, driver];
    const result = read('order.driver_assigned', { ...assigned, participants });
    expect(result).toEqual({
      ok: false,
      reason: 'invalid_data',
      detail: 'data/participants/0 must not have additional properties.',
    });
  });

  it('never throws, whatever the data', () => {
    const json = fc.oneof(
      fc.jsonValue({ maxDepth: 4 }),
      fc.record(
        {
          orderId: fc.jsonValue({ maxDepth: 0 }),
          pool: fc.string(),
          assignment: fc.double(),
          participants: fc.array(
            fc.record(
              { role: fc.string(), userId: fc.string(), realNumber: fc.jsonValue() },
              { requiredKeys: [] },
            ),
          ),
        },
        { requiredKeys: [] },
      ),
    );
    const type = fc.constantFrom('order.placed', 'order.driver_assigned', 'order.completed', 'constructor');
    fc.assert(
      fc.property(type, json, (t, data) => {
        const result = read(t, data);
        if (!result.ok) expect(result.detail.length).toBeGreaterThan(0);
      }),
      fuzzRuns(2_000),
    );
  });

  it('never throws, nor quotes a number, when an event was changed a little on its way (FLT-26)', () => {
    const event = {
      specversion: '1.0',
      id: 'e1',
      source: '/orders',
      type: 'order.driver_assigned',
      time: TIME,
    };
    const genuine = Buffer.from(JSON.stringify({ ...event, data: assigned }));
    const place = fc.nat({ max: genuine.length - 1 });
    const cut = fc
      .tuple(place, place)
      .map(([from, to]) => Buffer.concat([genuine.subarray(0, from), genuine.subarray(to)]));
    const flipped = fc
      .array(fc.tuple(place, fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 })
      .map((flips) => {
        const bytes = Buffer.from(genuine);
        for (const [at, byte] of flips) bytes[at] = byte;
        return bytes;
      });
    const field = fc.constantFrom(
      'type',
      'data',
      'id',
      'time',
      'source',
      'specversion',
      'datacontenttype',
      '__proto__',
    );
    const replaced = fc
      .tuple(field, fc.jsonValue({ maxDepth: 3 }))
      .map(([name, value]) =>
        Buffer.from(
          JSON.stringify({ ...event, data: assigned }).replace(
            `"${name}":`,
            `"${name}":${JSON.stringify(value)},"x":`,
          ),
        ),
      );
    const headers = fc.dictionary(
      fc.constantFrom('content-type', 'ce_type', 'ce_id', 'ce_source', 'ce_specversion', 'ce_time'),
      fc.oneof(
        fc.string({ maxLength: 20 }),
        fc.constantFrom('application/json', 'application/cloudevents+json', '1.0', 'order.placed'),
      ),
    );
    fc.assert(
      fc.property(fc.oneof(cut, flipped, replaced), fc.oneof(fc.constant({}), headers), (bytes, sent) => {
        const value = Buffer.from(bytes);
        const result = readOrderEvent({ value, headers: sent }, RECEIVED_AT);
        if (!result.ok) expect(result.detail).not.toMatch(/2025550123/);
      }),
      fuzzRuns(2_000),
    );
  });
});
