import { describe, expect, it } from 'vitest';
import type { HandsetCall, HandsetContact, HandsetView } from '../../server/api-types.ts';
import type { HandsetScreen } from './handset-desk.ts';
import { isDiallable, toDialled } from './is-diallable.ts';
import { activeCallOf, screenCallOf } from './screen-call.ts';

const idle: HandsetScreen = { tab: 'recents', thread: null, dialling: null, announcement: null };
const contact: HandsetContact = { name: 'Dario Costa', role: 'driver', orderId: 'ord_1', label: '#1001' };
const nobody = () => null;
const call = (
  callId: string,
  state: HandsetCall['state'],
  direction: HandsetCall['direction'],
): HandsetCall => ({
  callId,
  direction,
  shownNumber: '+13475550101',
  contact,
  state,
  heard: null,
  startedAt: '2026-01-01T10:00:00.000Z',
  answeredAt: null,
  endedAt: null,
});

describe('the call that fills the screen', () => {
  it('is the one that is talked on, before one that rings, and none that is over', () => {
    const phone = (...calls: HandsetCall[]): HandsetView => ({
      profile: { userId: 'ana', role: 'customer', name: 'Ana', realNumber: '+1••••••0141' },
      calls,
      messages: [],
    });
    const ringing = call('c2', 'ringing', 'incoming');
    const answered = call('c1', 'answered', 'outgoing');
    expect(activeCallOf(phone(ringing, answered))).toBe(answered);
    expect(activeCallOf(phone(call('c0', 'ended', 'incoming'), ringing))).toBe(ringing);
    expect(activeCallOf(phone(call('c0', 'refused', 'outgoing')))).toBeNull();
  });

  it.each([
    ['ringing', 'incoming', 'incoming'],
    ['ringing', 'outgoing', 'calling'],
    ['answered', 'incoming', 'answered'],
  ] as const)('%s and %s shows as %s', (state, direction, kind) => {
    expect(screenCallOf(idle, call('c1', state, direction), nobody)).toMatchObject({
      kind,
      callId: 'c1',
      contact,
    });
  });

  it('is before that what was dialled, and afterwards what was heard', () => {
    const dialling = { ...idle, dialling: '+13475550101' };
    expect(screenCallOf(dialling, null, () => contact)).toMatchObject({
      kind: 'dialling',
      contact,
      heard: null,
    });
    const refused = { ...idle, announcement: { dialled: '+13475550101', text: 'Goodbye.' } };
    expect(screenCallOf(refused, null, nobody)).toMatchObject({ kind: 'announcement', heard: 'Goodbye.' });
    expect(screenCallOf({ ...refused, dialling: '+13475550102' }, null, nobody)).toMatchObject({
      kind: 'dialling',
      shownNumber: '+13475550102',
      heard: null,
    });
    expect(screenCallOf(idle, null, nobody)).toBeNull();
  });
});

describe('what is typed on the keypad', () => {
  it.each([
    ['+1 (347) 555-0101', '+13475550101'],
    ['0044 7700 900123', '+447700900123'],
    ['13475550101', '+13475550101'],
    ['+', ''],
    ['', ''],
  ])('%s dials %s', (typed, dialled) => {
    expect(toDialled(typed)).toBe(dialled);
  });

  it.each([
    ['+13475550101', true],
    ['+1••••••0141', false],
    ['No caller ID', false],
    ['+01234567', false],
    ['+123456', false],
  ])('%s can be dialled: %s', (shownNumber, expected) => {
    expect(isDiallable(shownNumber)).toBe(expected);
  });
});
