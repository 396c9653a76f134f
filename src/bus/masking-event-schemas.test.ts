import type { Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { MASKING_EVENT_TYPES, type MaskingEventData, type MaskingEventType } from '../domain/events.ts';
import { maskingEventSchemas } from './masking-event-schemas.ts';

type Schemas = typeof maskingEventSchemas;
type Mutable<T> = T extends readonly (infer E)[]
  ? Mutable<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;

// Does not compile when a schema and its type in domain/events.ts say different things.
const schemasMatchTypes: {
  [T in MaskingEventType]: Same<Static<Schemas[T]>, Mutable<MaskingEventData[T]>>;
} = {
  'session.opened': true,
  'session.pending': true,
  'session.closed': true,
  'pool.low': true,
  'pool.exhausted': true,
  'call.started': true,
  'call.answered': true,
  'call.ended': true,
  'call.refused': true,
  'message.relayed': true,
  'message.refused': true,
  'virtual_number.provisioned': true,
  'virtual_number.suspended': true,
  'provider_account.unavailable': true,
  'provider_account.recovered': true,
  'call_cap.reached': true,
  'call_cap.lifted': true,
};

const opened: MaskingEventData['session.opened'] = {
  sessionId: 'ses_1',
  reference: 'o1',
  assignment: 1,
  pool: 'city',
  expiresAt: '2026-01-01T04:00:00.000Z',
  participants: [
    { role: 'customer', userId: 'c1', virtualNumber: '+12025550123' },
    { role: 'driver', userId: null, virtualNumber: '+12025550124' },
  ],
};

describe('maskingEventSchemas', () => {
  it('has one schema for each type of event', () => {
    expect(Object.keys(maskingEventSchemas).sort()).toEqual([...MASKING_EVENT_TYPES].sort());
    expect(Object.keys(schemasMatchTypes).sort()).toEqual([...MASKING_EVENT_TYPES].sort());
  });

  it('takes what an event carries, and nothing that it does not', () => {
    const schema = Compile(maskingEventSchemas['session.opened']);
    expect(schema.Check(opened)).toBe(true);
    expect(schema.Check({ ...opened, realNumber: '+12025550125' })).toBe(false);
    expect(schema.Check({ ...opened, participants: [{ ...opened.participants[0], name: 'Ann' }] })).toBe(
      false,
    );
    expect(schema.Check({ ...opened, expiresAt: 'soon' })).toBe(false);
    expect(schema.Check({ ...opened, assignment: 0.5 })).toBe(false);
  });
});
